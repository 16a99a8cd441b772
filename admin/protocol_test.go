package admin_test

import (
	"reflect"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/address"
	"thespian.dev/admin"
	"thespian.dev/message"
)

// Every message of the protocol arrives as it was sent, with whatever its fields hold.
func TestMessagesTravel(t *testing.T) {
	registry, err := message.NewRegistry(admin.Messages())
	assert.NilError(t, err)
	all := append([]any{
		admin.Welcome{}, admin.Run{}, admin.Adopted{}, admin.Created{}, admin.Located{}, admin.Gone{}, admin.Capabilities{}, admin.Handlers{},
		admin.Done{}, admin.Ending{}, admin.Print{},
	}, inputs...)
	for _, sample := range all {
		v := reflect.New(reflect.TypeOf(sample)).Elem()
		for _, fill := range []bool{false, true} {
			if fill {
				fillIn(v)
			}
			data, err := registry.Append(nil, v.Interface())
			assert.NilError(t, err, "%+v", v.Interface())
			back, err := registry.Decode(data)
			assert.NilError(t, err)
			assert.Assert(t, reflect.DeepEqual(back, v.Interface()), "sent %+v, arrived %+v", v.Interface(), back)
		}
	}
}

// fillIn gives all fields of a struct a value.
func fillIn(v reflect.Value) {
	for i := range v.NumField() {
		f := v.Field(i)
		switch f.Interface().(type) {
		case address.Address:
			f.Set(reflect.ValueOf(address1(2, uint64(i)+1)))
			continue
		case []address.Address:
			f.Set(reflect.ValueOf([]address.Address{address1(2, 1), address1(3, 1)}))
			continue
		case map[string]address.Address:
			f.Set(reflect.ValueOf(map[string]address.Address{"g": address1(2, 1)}))
			continue
		case map[string]uint64:
			f.Set(reflect.ValueOf(map[string]uint64{"n": 1 << 63}))
			continue
		case message.Capabilities:
			f.Set(reflect.ValueOf(message.Capabilities{"Cores": 4, "GPU": true, "Regions": []any{"north", int64(7), 1.5}}))
			continue
		case []byte:
			f.SetBytes([]byte{0, 255})
			continue
		case []string:
			f.Set(reflect.ValueOf([]string{"A=b", ""}))
			continue
		case time.Duration:
			f.SetInt(int64(-time.Second))
			continue
		}
		switch f.Kind() {
		case reflect.String:
			f.SetString(v.Type().Field(i).Name)
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Int:
			f.SetInt(-7)
		case reflect.Uint64:
			f.SetUint(1<<64 - 1)
		case reflect.Struct:
			fillIn(f)
		case reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
			fillIn(f.Index(0))
		case reflect.Interface:
			f.Set(reflect.ValueOf(any([]any{"x", 1})))
		}
	}
}

// A process is told at once what it has to know of the system.
func TestWelcome(t *testing.T) {
	handler := address1(2, 1)
	core := admin.New(time.Unix(0, 0), admin.Options{
		System: 7, Process: 8, Admin: address1(own, 1), Endpoint: "here", Listen: "127.0.0.1", LowestPort: 1000, HighestPort: 2000, Base: "tcp", Key: []byte("secret"),
		Capabilities: message.Capabilities{"GPU": true}, Number: func() uint64 { return 9 },
	})
	core.Received(time.Unix(0, 0), 8, admin.HandleDeadLetters{Handler: handler, On: true})
	number, out := core.Attached()
	assert.Equal(t, number, uint64(9))
	want := []admin.Output{admin.Tell{To: 9, Message: admin.Welcome{
		System: 7, Process: 9, Admin: address1(own, 1), AdminProcess: 8, AdminEndpoint: "here", Base: "tcp", Key: []byte("secret"),
		Capabilities: message.Capabilities{"GPU": true}, Handlers: []address.Address{handler}, Listen: "127.0.0.1", LowestPort: 1000, HighestPort: 2000,
	}}}
	assert.Assert(t, reflect.DeepEqual(out, want), "%+v", out)
}

// What a program gives an actor to begin with, and what its kind is to know, reaches the host untouched.
func TestRunCarriesTheArguments(t *testing.T) {
	h := newHarness(t, admin.Options{})
	h.attach()
	h.receive(2, admin.Announce{Request: 1, Endpoint: "e2", Build: "b", Kinds: []admin.Kind{{Name: "greeter"}}})
	for _, o := range h.receive(2, admin.Create{Request: 2, Child: address1(2, 1), Parent: address1(1, 1), Kind: "greeter", Args: []byte("args"), Requirements: []byte("needs")}) {
		if tell, ok := o.(admin.Tell); ok {
			if run, ok := tell.Message.(admin.Run); ok {
				assert.Equal(t, string(run.Args)+" "+string(run.Requirements), "args needs")
				return
			}
		}
	}
	t.Fatal("no host is to run the actor")
}

// Options that do not say how large the pool is get the default.
func TestDefaultPool(t *testing.T) {
	h := newHarness(t, admin.Options{})
	h.attach()
	h.receive(2, admin.Announce{Request: 1, Endpoint: "e2", Build: "b", Kinds: []admin.Kind{{Name: "quick", Startup: "forkserver"}}})
	h.receive(2, admin.Create{Request: 2, Child: address1(2, 1), Kind: "quick"})
	assert.Equal(t, len(h.hosts()), 1+admin.DefaultPool)
}

// A core keeps its own capabilities, whatever becomes of those it was made with.
func TestCapabilitiesAreCopied(t *testing.T) {
	offers := message.Capabilities{"GPU": true}
	h := newHarness(t, admin.Options{Capabilities: offers})
	delete(offers, "GPU")
	welcome := h.attach()[0].(admin.Tell).Message.(admin.Welcome)
	assert.Equal(t, welcome.Capabilities.String(), "GPU=true")
}
