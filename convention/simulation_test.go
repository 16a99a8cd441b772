package convention_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/convention"
	"thespian.dev/message"
)

// seedOf returns the seed of a run, which SEED gives to replay it.
func seedOf(t testing.TB) uint64 {
	seed := rand.Uint64() % 1_000_000
	if text := os.Getenv("SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		assert.NilError(t, err)
	}
	t.Logf("replay with SEED=%d", seed)
	return seed
}

// many is a world with leaders and members that all start at once.
func many(seed uint64, leaders, members int) *world {
	w := newWorld(seed)
	w.jitter = 20 * time.Millisecond
	for i := range leaders {
		w.start(leaderName(i), leaderName(i)+":1900", leaderAddresses(leaders), nil)
	}
	for i := range members {
		w.member(i, leaders)
	}
	return w
}

func leaderName(i int) string { return fmt.Sprintf("leader%d", i) }

func leaderNames(n int) []string {
	var all []string
	for i := range n {
		all = append(all, leaderName(i))
	}
	return all
}

func leaderAddresses(n int) []string {
	var all []string
	for i := range n {
		all = append(all, leaderName(i)+":1900")
	}
	return all
}

func (w *world) member(i, leaders int) *system {
	name, at := fmt.Sprintf("member%04d", i), fmt.Sprintf("member%04d:1900", i)
	if i%5 == 4 {
		at = "" // behind a firewall
	}
	return w.start(name, at, leaderAddresses(leaders), message.Capabilities{"Number": i})
}

// agree checks what must hold once all is quiet: the leaders know everybody, everybody knows the leaders, nobody knows who is not there, and no notification came twice.
func (w *world) agree(t testing.TB, leaders int) {
	t.Helper()
	alive := make(map[uint64]bool)
	for _, s := range w.order {
		alive[s.number] = true
	}
	for _, s := range w.order {
		assert.Equal(t, s.doubled, 0, "%s was told twice", s.name)
		for number := range s.members {
			assert.Assert(t, alive[number], "%s still knows %s", s.name, w.name(number))
		}
		for i := range leaders {
			l := w.systems[leaderName(i)]
			if l == nil || l == s {
				continue
			}
			assert.Assert(t, s.members[l.number], "%s does not know %s", s.name, l.name)
			assert.Assert(t, l.members[s.number], "%s does not know %s", l.name, s.name)
		}
		assert.Equal(t, len(s.core.Members()), len(s.members), s.name)
	}
}

// count begins to count the traffic anew.
func (w *world) count() {
	w.counted = w.now
	for _, s := range w.order {
		s.said, s.received, s.dialled = 0, 0, 0
	}
}

// heartbeats is how many messages a second two systems have for each other that nothing happens to: each says that it lives every 5/3 seconds.
const heartbeats = 1.3

// bounded checks that nobody has had more traffic since it was counted than heartbeats, beside so many messages and attempts to connect with each of those that he is connected to.
func (w *world) bounded(t testing.TB, leaders, beside int) {
	t.Helper()
	for _, s := range w.order {
		others := leaders
		if slices.Contains(leaderNames(leaders), s.name) {
			others = len(w.order) - 1
		}
		began := w.counted
		if s.began.After(began) {
			began = s.began
		}
		traffic, most := s.said+s.received+s.dialled, int(float64(others)*(heartbeats*w.now.Sub(began).Seconds()+float64(beside)))
		assert.Assert(t, traffic <= most, "%s has said %d messages, got %d and dialled %d times in %v, %d others: more than %d", s.name, s.said, s.received, s.dialled, w.now.Sub(began), others, most)
	}
	w.count()
}

func size(t testing.TB) int {
	if testing.Short() {
		return 100
	}
	return 1000
}

func TestThousandSystemsJoinWithinSeconds(t *testing.T) {
	n := size(t)
	w := many(seedOf(t), 1, n)
	w.run(10 * time.Second)
	w.agree(t, 1)
	w.bounded(t, 1, 10)
	w.run(time.Minute)
	w.bounded(t, 1, 5)
}

func TestSystemsThatAreRestartedOneAfterTheOther(t *testing.T) {
	n := size(t)
	w := many(seedOf(t), 1, n)
	w.run(10 * time.Second)
	for i := range n {
		old := w.systems[fmt.Sprintf("member%04d", i)]
		if i%2 == 0 {
			w.kill(old)
		} else {
			old.perform(old.core.Leave(w.now))
			w.run(2 * time.Millisecond)
			w.kill(old)
		}
		w.member(i, 1)
		w.run(20 * time.Millisecond)
	}
	w.run(10 * time.Second)
	w.agree(t, 1)
	w.bounded(t, 1, 20)
}

func TestThirdOfTheSystemsIsCutOffAndComesBack(t *testing.T) {
	n := size(t)
	w := many(seedOf(t), 1, n)
	w.run(10 * time.Second)
	leader := w.systems[leaderName(0)]
	for i := range n / 3 {
		w.cut[pairOf(leader, w.systems[fmt.Sprintf("member%04d", i)])] = true
	}
	w.run(20 * time.Second)
	assert.Equal(t, len(leader.members), n-n/3)
	w.cut = make(map[[2]string]bool)
	w.bounded(t, 1, 20)
	w.run(2 * time.Minute)
	w.agree(t, 1)
	w.bounded(t, 1, 20)
	for i := range n / 3 {
		assert.Equal(t, w.systems[fmt.Sprintf("member%04d", i)].fences, 1, "who was lost comes back as another incarnation, once")
	}
}

func TestLeadersThatEndOneAfterTheOther(t *testing.T) {
	w := many(seedOf(t), 3, size(t))
	w.run(10 * time.Second)
	w.agree(t, 3)
	w.bounded(t, 3, 15)
	for i := range 2 {
		w.kill(w.systems[leaderName(i)])
		w.run(5 * time.Second)
		next := w.systems[leaderName(i+1)]
		for _, s := range w.order {
			assert.Equal(t, s.leader, next.number, "%s follows another leader", s.name)
		}
		w.agree(t, 3)
		w.bounded(t, 3, 15)
	}
	for i := range 2 {
		w.start(leaderName(i), leaderName(i)+":1900", leaderAddresses(3), nil)
	}
	w.run(2 * time.Minute)
	w.agree(t, 3)
	w.bounded(t, 3, 15)
	for _, s := range w.order {
		assert.Equal(t, s.leader, w.systems[leaderName(0)].number, "%s does not follow the first leader again", s.name)
	}
}

// Random things happen, and then nothing more: in the end all agree.
func TestWhateverHappens(t *testing.T) {
	runs := 30
	if testing.Short() {
		runs = 5
	}
	seed := seedOf(t)
	for run := range runs {
		w := many(seed+uint64(run), 2, 12)
		serial := 0
		for range 60 {
			w.run(time.Duration(w.random.Int64N(int64(3 * time.Second))))
			if len(w.order) == 0 {
				break
			}
			a, b := w.order[w.random.IntN(len(w.order))], w.order[w.random.IntN(len(w.order))]
			switch w.random.IntN(8) {
			case 0:
				w.kill(a)
			case 1:
				a.perform(a.core.Leave(w.now))
				w.run(5 * time.Millisecond)
				w.kill(a)
			case 2:
				serial++
				w.member(100+serial, 2)
			case 3:
				if i := w.random.IntN(2); w.systems[leaderName(i)] == nil {
					w.start(leaderName(i), leaderName(i)+":1900", leaderAddresses(2), nil)
				}
			case 4:
				w.cut[pairOf(a, b)] = true
			case 5:
				w.cut = make(map[[2]string]bool)
			case 6:
				a.pause(time.Duration(w.random.Int64N(int64(10 * time.Second))))
			case 7:
				w.breakAll(func(c *cable) bool { return c.ends[0] == a || c.ends[1] == a }, nil)
			}
		}
		w.cut = make(map[[2]string]bool)
		w.run(20 * time.Second)
		for i := range 2 {
			if w.systems[leaderName(i)] == nil {
				w.start(leaderName(i), leaderName(i)+":1900", leaderAddresses(2), nil)
			}
		}
		w.run(3 * time.Minute)
		w.agree(t, 2)
		w.bounded(t, 2, 60*10)
		w.run(time.Minute)
		w.bounded(t, 2, 5) // and nothing goes on
		// What is posted from anybody to anybody arrives, once.
		from, to := w.order[w.random.IntN(len(w.order))], w.order[w.random.IntN(len(w.order))]
		before := len(to.delivered)
		for i := range 100 {
			from.perform(from.core.Post(w.now, to.number, i))
		}
		w.run(time.Second)
		if from != to {
			assert.Equal(t, len(to.delivered)-before, 100, "seed %d: from %s to %s", seed+uint64(run), from.name, to.name)
		}
	}
}

// Posts arrive once and in order though connections break.
func TestPostsOverConnectionsThatBreak(t *testing.T) {
	w := many(seedOf(t), 1, 2)
	w.run(5 * time.Second)
	from, to := w.systems["member0000"], w.systems["member0001"]
	const posts = 2000
	for i := range posts {
		from.perform(from.core.Post(w.now, to.number, i))
		w.run(time.Millisecond)
		if i%97 == 0 {
			w.breakAll(func(*cable) bool { return true }, nil)
		}
	}
	w.run(5 * time.Second)
	w.bounded(t, 1, posts+posts/97*100) // what was not confirmed is said again
	assert.Equal(t, len(to.delivered), posts)
	for i, got := range to.delivered {
		assert.Equal(t, got, fmt.Sprint(i))
	}
	assert.Equal(t, from.fences+to.fences, 0)
}

func BenchmarkJoinOfMembers(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				w := many(1, 1, n)
				w.run(10 * time.Second)
				if len(w.systems[leaderName(0)].members) != n {
					b.Fatal("they have not joined")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n), "µs/member")
		})
	}
}

// BenchmarkLeader has a core lead as many members, without connections: an iteration is a second in which all say that they live, and so does it. What a member takes of memory is measured
// before, and what it takes to let one join.
func BenchmarkLeader(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			number, now := uint64(1), epoch
			core, _ := convention.New(now, convention.Options{Self: convention.System{Number: 1, Address: "leader:1900"}, Number: func() uint64 { number++; return number }})
			before, began := inUse(), time.Now()
			for i := range n {
				link := uint64(i + 2)
				core.Opened(now, link, "")
				at := convention.System{Number: link, Incarnation: link, Address: fmt.Sprintf("member%d:1900", i), Host: fmt.Sprintf("host%d", i)}
				core.Received(now, link, convention.Hello{System: at})
				core.Received(now, link, convention.Register{Capabilities: message.Capabilities{"Number": i, "GPU": true, "Name": fmt.Sprint("member", i)}})
			}
			joined := time.Since(began)
			kept := inUse() - before
			assert.Equal(b, len(core.Members()), n)
			said := 0
			turn := 0
			for b.Loop() {
				for end := now.Add(time.Second); now.Before(end); now = now.Add(10 * time.Millisecond) {
					for range n * 6 / 10 / 100 { // each says it every 5/3 seconds
						core.Received(now, uint64(turn%n+2), convention.Ping{})
						turn++
					}
					if at, any := core.Next(); any && !now.Before(at) {
						said += len(core.Tick(now))
					}
				}
			}
			assert.Equal(b, len(core.Members()), n)
			each := float64(b.N) * float64(n)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/each, "ns/member/s")
			b.ReportMetric(float64(said)/each, "said/member/s")
			b.ReportMetric(float64(kept)/float64(n), "B/member")
			b.ReportMetric(float64(joined.Nanoseconds())/float64(n), "ns/join")
		})
	}
}

// inUse returns how many bytes are in use.
func inUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
