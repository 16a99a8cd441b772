package streamtest

import (
	"encoding/binary"
	"fmt"
	"sync"
	"testing"

	"gotest.tools/v3/assert"
)

// A Link sends to another process, where messages go to [Answer], and gets what comes back.
type Link struct {
	Send  func(data []byte)
	Flush func() // sends what Send keeps; nil if it keeps nothing
	Back  func(func([]byte))
}

func (l Link) flush() {
	if l.Flush != nil {
		l.Flush()
	}
}

// The first byte of a message says what becomes of it.
const (
	count = 'c' // only count
	echo  = 'e' // send back
	tell  = 't' // tell how many bytes have come, and begin anew
)

// Answer returns what takes messages at the far end, one after the other: they are counted, or answered if their first byte says so.
func Answer(send func([]byte)) func([]byte) {
	var bytes uint64
	return func(data []byte) {
		switch data[0] {
		case echo:
			send(data)
		case tell:
			send(binary.BigEndian.AppendUint64(nil, bytes+uint64(len(data))))
			bytes = 0
		default:
			bytes += uint64(len(data))
		}
	}
}

// Tell sends messages of each size in one direction, from one goroutine. The links are made anew for each.
func Tell(b *testing.B, sizes []int, links func(*testing.B) map[string]Link) {
	for _, size := range sizes {
		for name, l := range links(b) {
			b.Run(fmt.Sprintf("%d/%s", size, name), func(b *testing.B) {
				data := make([]byte, size)
				data[0] = count
				done := make(chan uint64, 1)
				l.Back(func(got []byte) { done <- binary.BigEndian.Uint64(got) })
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					l.Send(data)
				}
				data[0] = tell
				l.Send(data)
				l.flush()
				assert.Equal(b, <-done, uint64(size)*uint64(b.N+1))
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "M/s")
			})
		}
	}
}

// TellManySenders does the same with 64 bytes from several goroutines, over all links but "raw".
func TellManySenders(b *testing.B, links func(*testing.B) map[string]Link) {
	for name, l := range links(b) {
		if name == "raw" {
			continue
		}
		b.Run(name, func(b *testing.B) {
			done := make(chan uint64, 1)
			l.Back(func(got []byte) { done <- binary.BigEndian.Uint64(got) })
			var senders sync.WaitGroup
			const goroutines = 8
			for range goroutines {
				senders.Go(func() {
					data := make([]byte, 64)
					data[0] = count
					for range b.N / goroutines {
						l.Send(data)
					}
				})
			}
			senders.Wait()
			l.Send([]byte{tell})
			<-done
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "M/s")
		})
	}
}

// PingPong sends messages of 64 bytes there and back, one after the other in each of several callers.
func PingPong(b *testing.B, links func(*testing.B) map[string]Link) {
	for _, callers := range []int{1, 64} {
		for name, l := range links(b) {
			b.Run(fmt.Sprintf("%d/%s", callers, name), func(b *testing.B) {
				answers := make([]chan struct{}, callers)
				for i := range answers {
					answers[i] = make(chan struct{}, 1)
				}
				l.Back(func(data []byte) { answers[data[1]] <- struct{}{} })
				var all sync.WaitGroup
				b.ReportAllocs()
				for i := range callers {
					all.Go(func() {
						data := make([]byte, 64)
						data[0], data[1] = echo, byte(i)
						for range b.N / callers {
							l.Send(data)
							l.flush()
							<-answers[i]
						}
					})
				}
				all.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e3, "k/s")
			})
		}
	}
}
