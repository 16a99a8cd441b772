package message

import "unsafe"

// typeWord returns a number that stands for the dynamic type of msg, 0 for nil: the address of the type's description, which never moves and is never
// given to another type. It is the first word of an interface value; reflect has the same number, behind a map look-up's price.
func typeWord(msg any) uintptr {
	return *(*uintptr)(unsafe.Pointer(&msg))
}
