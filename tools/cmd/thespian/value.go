package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"thespian.dev/message"
)

// jsonMessages says how a MESSAGE is written.
const jsonMessages = `ACTOR is a global name, an address, or the short form of one that 'thespian status' shows. MESSAGE is JSON, and
arrives as a string, bool, int (float64 if it has a fraction or is too large), []any or map[string]any; with --type as a
value of a message type of the actor's program: its name on the wire, such as example.com/shop.Order, or the end of it
if only one ends so, as in --type Order. What begins with a minus goes behind a --.`

// typeFlag adds the flag for the type of a MESSAGE.
func typeFlag(cmd *cobra.Command, name *string) *cobra.Command {
	cmd.Flags().StringVar(name, "type", "", "the `name` of the message's type in the actor's program")
	return cmd
}

// parse returns what JSON stands for, in types that every program knows.
func parse(text string) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	var value any
	err := decoder.Decode(&value)
	if err == nil {
		if _, err = decoder.Token(); err == io.EOF {
			err = nil
		} else {
			err = errors.New("more follows behind it")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%q is not JSON (%w): a text goes in double quotes, as in '\"text\"'", text, err)
	}
	if value == nil {
		return nil, errors.New("null is no message")
	}
	return basic(value)
}

// basic replaces the numbers in a value.
func basic(value any) (any, error) {
	var err error
	switch v := value.(type) {
	case json.Number:
		if n, err := strconv.Atoi(v.String()); err == nil {
			return n, nil
		}
		f, err := v.Float64()
		if err != nil {
			return nil, fmt.Errorf("the number %s is too large", v)
		}
		return f, nil
	case []any:
		for i := range v {
			if v[i], err = basic(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for name := range v {
			if v[name], err = basic(v[name]); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}

// wantsMessage checks the arguments ACTOR and MESSAGE, and keeps what the second one stands for, as a value of a type if it has a name.
func wantsMessage(msg *any, typeName *string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) (err error) {
		if err := wants("ACTOR", "MESSAGE")(cmd, args); err != nil {
			return err
		}
		if *msg, err = parse(args[1]); err == nil && *typeName != "" {
			*msg, err = message.FromJSON(*typeName, []byte(args[1]))
		}
		return err
	}
}
