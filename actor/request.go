package actor

import (
	"fmt"
	"reflect"
	"time"

	"thespian.dev/address"
	"thespian.dev/message"
)

// UnexpectedReply is the error of a typed request whose answer had another type than the asker wanted.
type UnexpectedReply struct {
	Reply  any    // what came
	Wanted string // the type that was wanted
}

// Error says which type came and which was wanted; of one that this process does not know, also what it is there.
func (e *UnexpectedReply) Error() string {
	if o, opaque := e.Reply.(message.Opaque); opaque {
		return fmt.Sprintf("the answer is no %s: %v", e.Wanted, o.Err())
	}
	return fmt.Sprintf("the answer is a %T, wanted %s", e.Reply, e.Wanted)
}

// As returns reply as a T, or an *[UnexpectedReply].
func As[T any](reply any) (T, error) {
	typed, ok := reply.(T)
	if !ok {
		return typed, &UnexpectedReply{Reply: reply, Wanted: reflect.TypeFor[T]().String()}
	}
	return typed, nil
}

// Request is [Context.Request] for an answer of type T. Another answer is an *[UnexpectedReply].
func Request[T any](ctx *Context, to address.Address, msg any, timeout time.Duration, then func(reply T, err error) error) {
	ctx.Request(to, msg, timeout, func(reply any, err error) error {
		var typed T
		if err == nil {
			typed, err = As[T](reply)
		}
		return then(typed, err)
	})
}
