package address_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/address"
	"thespian.dev/address/record"
)

func own(system, process, counter uint64) address.Address {
	return address.Of(record.New(record.ID{System: system, Process: process, Counter: counter}))
}

func encoded(t testing.TB, a address.Address) []byte {
	t.Helper()
	data, err := a.MarshalBinary()
	assert.NilError(t, err)
	return data
}

func decoded(t testing.TB, data []byte) address.Address {
	t.Helper()
	var a address.Address
	assert.NilError(t, a.UnmarshalBinary(data))
	return a
}

func TestEqualityAndMapKeysMeanIdentity(t *testing.T) {
	a, b := own(1, 2, 3), own(1, 2, 4)
	seen := map[address.Address]string{a: "a", b: "b"}
	for name, x := range map[string]address.Address{"a": a, "b": b} {
		text, err := x.MarshalText()
		assert.NilError(t, err)
		parsed, err := address.Parse(string(text))
		assert.NilError(t, err)
		assert.Assert(t, parsed == x, "its text names the same actor")
		assert.Assert(t, decoded(t, encoded(t, x)) == x, "its bytes name the same actor")
		assert.Equal(t, seen[parsed], name)
	}
	assert.Assert(t, a != b)
	assert.Assert(t, a != address.Address{})
}

func TestHintPlaysNoPartInEquality(t *testing.T) {
	a := own(5, 6, 7)
	before := encoded(t, a)
	a.Record().SetHint("tcp:192.0.2.1:1900")
	after := encoded(t, a)
	assert.Assert(t, string(before) != string(after))
	assert.Assert(t, decoded(t, before) == decoded(t, after))
	assert.Equal(t, decoded(t, before).Hint(), "tcp:192.0.2.1:1900")
}

func TestHintThatIsKnownIsNotReplacedByWhatSomebodySays(t *testing.T) {
	first, err := address.Parse("00000000000000aa-00000000000000bb-12@here")
	assert.NilError(t, err)
	second, err := address.Parse("00000000000000aa-00000000000000bb-12@elsewhere")
	assert.NilError(t, err)
	assert.Assert(t, first == second)
	assert.Equal(t, second.Hint(), "here")
}

func TestForms(t *testing.T) {
	for _, c := range []struct {
		a           address.Address
		hint        string
		short, text string
	}{
		{own(0x1234567890abcdef, 0xfedcba0987654321, 57), "", "cdef.4321.57", "1234567890abcdef-fedcba0987654321-57"},
		{own(1, 2, 18446744073709551615), "tcp:[::1]:1900", "0001.0002.18446744073709551615", "0000000000000001-0000000000000002-18446744073709551615@tcp:[::1]:1900"},
		{address.Address{}, "", "no address", ""},
	} {
		t.Run(c.short, func(t *testing.T) {
			if c.hint != "" {
				c.a.Record().SetHint(c.hint)
			}
			assert.Equal(t, c.a.String(), c.short)
			text, err := c.a.MarshalText()
			assert.NilError(t, err)
			assert.Equal(t, string(text), c.text)
			var back address.Address
			assert.NilError(t, back.UnmarshalText(text))
			assert.Assert(t, back == c.a)
			assert.Assert(t, decoded(t, encoded(t, c.a)) == c.a)
			assert.Equal(t, back.Hint(), c.hint)

			var viaJSON struct{ A address.Address }
			data, err := json.Marshal(struct{ A address.Address }{c.a})
			assert.NilError(t, err)
			assert.NilError(t, json.Unmarshal(data, &viaJSON))
			assert.Assert(t, viaJSON.A == c.a)
		})
	}
}

func TestZeroAddressIsNoAddress(t *testing.T) {
	var zero address.Address
	assert.Assert(t, zero.IsZero())
	assert.Assert(t, zero.Record() == nil)
	assert.Equal(t, zero.Hint(), "")
	assert.Equal(t, len(encoded(t, zero)), 0)
	assert.Assert(t, !own(1, 1, 1).IsZero())
}

func TestCompareOrdersByAgeWithinAProcess(t *testing.T) {
	a, b, c := own(1, 1, 9), own(1, 1, 10), own(1, 2, 1)
	assert.Equal(t, a.Compare(b), -1)
	assert.Equal(t, b.Compare(a), 1)
	assert.Equal(t, a.Compare(a), 0)
	assert.Equal(t, b.Compare(c), -1)
	assert.Equal(t, address.Address{}.Compare(a), -1)
}

func TestMalformedTextIsRefused(t *testing.T) {
	for _, text := range []string{
		"x", "1-2-3", "0000000000000001-0000000000000002", "0000000000000001-0000000000000002-0", "0000000000000001-0000000000000002--3",
		"000000000000000g-0000000000000002-3", "0000000000000001-0000000000000002-3-4", "0000000000000001-0000000000000002-99999999999999999999",
		"0000000000000001-0000000000000002-3@", "0000000000000001-0000000000000002-3@" + strings.Repeat("h", address.MaxHint+1),
	} {
		_, err := address.Parse(text)
		assert.ErrorIs(t, err, address.ErrMalformed, "%q", text)
	}
}

func TestMalformedBytesAreRefused(t *testing.T) {
	good := encoded(t, own(1, 2, 300))
	for name, data := range map[string][]byte{
		"too short":        good[:7],
		"no number":        good[:16],
		"half a number":    good[:17],
		"no hint's length": good[:18],
		"number 0":         append(append([]byte{}, good[:16]...), 0, 0),
		"hint missing":     append(append([]byte{}, good[:18]...), 5, 'a'),
		"hint too long":    append(append([]byte{}, good[:18]...), append([]byte{0x80, 0x02}, make([]byte, 256)...)...),
		"something behind": append(append([]byte{}, good...), 0),
		"endless number":   append(append([]byte{}, good[:16]...), 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 0),
		"huge hint length": append(append([]byte{}, good[:18]...), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
	} {
		var a address.Address
		assert.ErrorIs(t, a.UnmarshalBinary(data), address.ErrMalformed, name)
	}
	a := own(1, 2, 300)
	a.Record().SetHint(strings.Repeat("h", address.MaxHint+1))
	_, err := a.MarshalBinary()
	assert.ErrorContains(t, err, "the limit is 255")
}

func FuzzUnmarshalBinary(f *testing.F) {
	f.Add(encoded(f, own(1, 2, 3)))
	f.Add([]byte{})
	f.Add(make([]byte, 18))
	f.Fuzz(func(t *testing.T, data []byte) {
		var a address.Address
		if err := a.UnmarshalBinary(data); err != nil {
			return
		}
		assert.Assert(t, decoded(t, encoded(t, a)) == a)
	})
}

func FuzzParse(f *testing.F) {
	f.Add("0000000000000001-0000000000000002-3@tcp:127.0.0.1:1900")
	f.Add("--@")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := address.Parse(text)
		if err != nil {
			return
		}
		again, err := a.MarshalText()
		assert.NilError(t, err)
		b, err := address.Parse(string(again))
		assert.NilError(t, err)
		assert.Assert(t, a == b)
	})
}

// However it becomes known, one actor has one record at a time.
func TestOneIdentityHasOneRecordWhoeverAsksFirst(t *testing.T) {
	const goroutines, actors = 8, 500
	data := make([][]byte, actors)
	kept := make([]address.Address, actors)
	for i := range data {
		kept[i] = own(77, 88, uint64(i+1))
	}
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for i, a := range kept {
				got := decoded(t, encoded(t, a))
				if got != a {
					t.Errorf("actor %d has two records", i)
				}
			}
		})
	}
	wg.Wait()

	foreign := make([][]address.Address, goroutines)
	for i := range data {
		data[i] = []byte(fmt.Sprintf("00000000000000f1-00000000000000f2-%d", i+1))
	}
	for g := range goroutines {
		wg.Go(func() {
			for _, text := range data {
				a, err := address.Parse(string(text))
				if err != nil {
					t.Error(err)
				}
				foreign[g] = append(foreign[g], a)
			}
		})
	}
	wg.Wait()
	for g := range foreign {
		for i := range foreign[g] {
			assert.Assert(t, foreign[g][i] == foreign[0][i])
		}
	}
}

func ExampleAddress() {
	a, _ := address.Parse("1234567890abcdef-fedcba0987654321-57@tcp:192.0.2.1:1900")
	b, _ := address.Parse("1234567890abcdef-fedcba0987654321-57")
	fmt.Println(a, a == b, b.Hint())
	// Output: cdef.4321.57 true tcp:192.0.2.1:1900
}
