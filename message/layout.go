package message

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
)

// A layout is what values of a type look like in CBOR. Data is compared with it before it is decoded. As each field of a struct and each element of
// an array must be in the data, the memory that decoding takes is in proportion to the data.
type layout struct {
	typ       reflect.Type
	item      byte // major type, or anyItem
	nilable   bool
	count     int // of elements, pairs or bytes; -1: any
	key, elem *layout
	fields    []fieldLayout
}

type fieldLayout struct {
	name string
	*layout
}

// The major types of CBOR items.
const (
	byteItem  = 2
	textItem  = 3
	arrayItem = 4
	mapItem   = 5
	tagItem   = 6
	anyItem   = 0xff

	nullItem      = 0xf6 // the whole item
	undefinedItem = 0xf7
)

// maxNesting bounds items of CBOR within each other.
const maxNesting = 4 * MaxDepth

var errCutOff = errors.New("the CBOR is cut off")

func layoutOf(t reflect.Type, made map[reflect.Type]*layout) *layout {
	if l := made[t]; l != nil {
		return l
	}
	l := &layout{typ: t, item: anyItem, count: -1}
	made[t] = l
	if marshalsItself(t) {
		if l.nilable = reflect.PointerTo(t).Implements(cborMarshaler); !l.nilable { // else it is any item, of the type's making
			l.item = byteItem
		}
		return l
	}
	kind := t.Kind()
	switch kind {
	case reflect.Interface:
		l.item = byteItem
	case reflect.Slice, reflect.Array:
		l.item = arrayItem
		if t.Elem().Kind() == reflect.Uint8 {
			l.item = byteItem
		}
		if kind == reflect.Array {
			l.count = t.Len()
		}
		l.elem = layoutOf(t.Elem(), made)
	case reflect.Pointer:
		l.elem = layoutOf(t.Elem(), made)
	case reflect.Map:
		l.item = mapItem
		l.key, l.elem = layoutOf(t.Key(), made), layoutOf(t.Elem(), made)
	case reflect.Struct:
		l.item, l.count = mapItem, t.NumField()
		for i := range t.NumField() {
			l.fields = append(l.fields, fieldLayout{fieldName(t.Field(i)), layoutOf(t.Field(i).Type, made)})
		}
	}
	switch kind {
	case reflect.Interface, reflect.Slice, reflect.Pointer, reflect.Map:
		l.nilable = true
	}
	return l
}

// check returns what stands behind the first item in b, or how that item differs from the layout. Whether a plain value is of the right type is left to
// the decoder.
func (l *layout) check(b []byte, depth int) (rest []byte, err error) {
	switch {
	case depth > maxNesting:
		return nil, ErrTooDeep
	case l.nilable && len(b) > 0 && b[0] == nullItem:
		return b[1:], nil
	case l.typ.Kind() == reflect.Pointer:
		return l.elem.check(b, depth)
	case l.item == anyItem && !l.nilable && len(b) > 0 && b[0] >= nullItem && b[0] <= undefinedItem: // the decoder takes these for zero
		return nil, fmt.Errorf("a %v cannot be null", l.typ)
	case l.item == anyItem:
		return skipItem(b)
	}
	item, count, b, err := cutHead(b)
	switch {
	case err != nil:
		return nil, err
	case item != l.item:
		return nil, fmt.Errorf("a %v cannot be made of a CBOR item of major type %d", l.typ, item)
	case l.count >= 0 && count != l.count:
		return nil, fmt.Errorf("a %v has %d parts, not %d", l.typ, l.count, count)
	case item == byteItem:
		return b[count:], nil
	}
	for i := range count {
		value := l.elem
		switch {
		case l.fields != nil:
			if b, err = cutName(b, l.fields[i].name); err != nil {
				return nil, fmt.Errorf("a %v: %w", l.typ, err)
			}
			value = l.fields[i].layout
		case l.key != nil:
			if b, err = l.key.check(b, depth+1); err != nil {
				return nil, err
			}
		}
		if b, err = value.check(b, depth+1); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// cutName cuts the name of a field off.
func cutName(b []byte, name string) ([]byte, error) {
	item, length, b, err := cutHead(b)
	if err != nil {
		return nil, err
	}
	if item != textItem || string(b[:length]) != name {
		return nil, fmt.Errorf("its field %q does not stand where it should", name)
	}
	return b[length:], nil
}

// cutHead splits the head off an item: its major type and, for strings, arrays, and maps, the count of bytes, elements or pairs behind it. There are
// no fewer bytes behind it than that.
func cutHead(b []byte) (item byte, count int, rest []byte, err error) {
	if len(b) == 0 {
		return 0, 0, nil, errCutOff
	}
	item, rest = b[0]>>5, b[1:]
	n := uint64(b[0] & 31)
	if n >= 24 {
		var wide [8]byte
		size := 1 << (n - 24)
		if n > 27 {
			return 0, 0, nil, errors.New("CBOR of indefinite length")
		}
		if size > len(rest) {
			return 0, 0, nil, errCutOff
		}
		copy(wide[8-size:], rest)
		n, rest = binary.BigEndian.Uint64(wide[:]), rest[size:]
	}
	if item < byteItem || item > mapItem {
		return item, 0, rest, nil
	}
	if n > uint64(len(rest)) {
		return 0, 0, nil, errCutOff
	}
	return item, int(n), rest, nil
}

// skipItem returns what stands behind the first item in b.
func skipItem(b []byte) (rest []byte, err error) {
	for left := 1; left > 0; left-- {
		item, count, behind, err := cutHead(b)
		if err != nil {
			return nil, err
		}
		b = behind
		switch item {
		case byteItem, textItem:
			b = b[count:]
		case arrayItem:
			left += count
		case mapItem:
			left += 2 * count
		case tagItem:
			left++
		}
	}
	return b, nil
}
