package workspace_test

import (
	"fmt"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/tools/internal/filetree"
	"thespian.dev/tools/internal/workspace"
)

func TestLoad(t *testing.T) {
	w, err := workspace.Load(filetree.Write(t, `
-- queue/go.mod --
not even a go.mod file <<<<
-- queue/nats/go.mod --
-- queue/nats/nats.go --
package nats

//line elsewhere.go:99
import (
	"fmt"
	q "thespian.dev/queue"
	"thespian.devious/x"
)
-- queue/sub/sub_test.go --
package sub_test; import _ "thespian.dev"
-- queue/other_windows.go --
//go:build ignore && windows

package queue; import . "thespian.dev/queue/nats/deep"; func f() { this is not looked at }
-- address/go.mod --
-- address/testdata/x/go.mod --
-- address/testdata/broken.go --
not Go
-- address/_old/x.go --
package x; import "thespian.dev/a"
-- address/.x/x.go --
package x; import "thespian.dev/b"
-- address/_x.go --
package x; import "thespian.dev/c"
-- address/vendor/thespian.dev/d/x.go --
package x; import "thespian.dev/d"
-- docs/snippet.go --
package x; import "thespian.dev/e"
`))
	assert.NilError(t, err)
	var got []string
	for _, m := range w.Modules {
		got = append(got, fmt.Sprintf("%s %s %s", m.Dir, m.Path(), m.GoMod()))
		for _, i := range m.Imports {
			got = append(got, fmt.Sprintf("%v test=%v %s -> %s", i, i.Test, i.From, i.Path))
		}
	}
	assert.DeepEqual(t, got, []string{
		"address thespian.dev/address address/go.mod",
		"queue thespian.dev/queue queue/go.mod",
		"queue/other_windows.go:3 test=false thespian.dev/queue -> thespian.dev/queue/nats/deep",
		"queue/sub/sub_test.go:1 test=true thespian.dev/queue/sub -> thespian.dev",
		"queue/nats thespian.dev/queue/nats queue/nats/go.mod",
		"queue/nats/nats.go:6 test=false thespian.dev/queue/nats -> thespian.dev/queue",
	})
	for path, dir := range map[string]string{
		"thespian.dev/queue":            "queue",
		"thespian.dev/queue/sub":        "queue",
		"thespian.dev/queue/nats":       "queue/nats",
		"thespian.dev/queue/nats/x":     "queue/nats",
		"thespian.dev/queue/natsuchung": "queue",
	} {
		assert.Equal(t, w.Module(path).Dir, dir, path)
	}
	for _, path := range []string{"thespian.dev", "thespian.dev/que", "fmt", "queue", ""} {
		assert.Assert(t, w.Module(path) == nil, path)
	}
}

func TestLoadFails(t *testing.T) {
	for name, test := range map[string]struct{ tree, want string }{
		"no module":   {"-- a/a.go --\npackage a\n", "root of the repository"},
		"root module": {"-- go.mod --\n-- a/go.mod --\n", "go.mod in the root"},
		"broken file": {"-- a/go.mod --\n-- a/a.go --\npackage a\n\nimport \"x\n", "a/a.go:3:8"},
		"two broken":  {"-- a/go.mod --\n-- a/a.go --\npackage\n-- a/b.go --\nimport\n", "a/b.go:1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := workspace.Load(filetree.Write(t, test.tree))
			assert.ErrorContains(t, err, test.want)
		})
	}
	_, err := workspace.Load("testdata/nothing")
	assert.ErrorContains(t, err, "no such file")
}
