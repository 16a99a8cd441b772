package main

import (
	"bytes"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/tools/internal/filetree"
)

// modules are some of the table's, empty.
const modules = `
-- address/go.mod --
-- message/go.mod --
-- actor/go.mod --
-- transport/go.mod --
-- transport-queue/go.mod --
-- transport-queue/nats/go.mod --
-- system/go.mod --
-- integration/go.mod --
-- examples/go.mod --
-- benchmarks/go.mod --
`

func TestLayout(t *testing.T) {
	for name, test := range map[string]struct{ tree, want string }{
		"allowed": {
			tree: `
-- message/m.go --
package message; import _ "thespian.dev/address"
-- message/internal/x/x_test.go --
package x; import _ "thespian.dev/message/internal/y"; import _ "thespian.dev/message"
-- transport-queue/nats/n.go --
package nats; import _ "thespian.dev/transport/transporttest"
-- transport-queue/nats/n_test.go --
package nats; import _ "thespian.dev/transport"; import _ "thespian.dev/integration/matrix"
-- system/s.go --
package system; import _ "thespian.dev/actor"; import _ "example.com/internal/x"
-- examples/e.go --
package examples; import _ "thespian.dev/system"; import _ "thespian.dev/transport-queue/nats"
-- benchmarks/b_test.go --
package benchmarks; import _ "thespian.dev/benchmarks/raw"; import _ "thespian.dev/system"
`,
		},
		"upwards": {
			tree: `
-- actor/deep/a.go --
package deep

import (
	_ "thespian.dev/address"
	_ "thespian.dev/system"
)
`,
			want: "actor/deep/a.go:5: actor imports thespian.dev/system, and may import only address, message: " + rules["actor"].why + "\n",
		},
		"anything at all": {
			tree: "-- address/a.go --\npackage address\n\nimport _ \"thespian.dev/message\"\n",
			want: "address/a.go:3: address imports thespian.dev/message, and may import none of the other modules: " + rules["address"].why + "\n",
		},
		"from a test": {
			tree: "-- actor/a_test.go --\npackage actor_test\n\nimport _ \"thespian.dev/system\"\n",
			want: "actor/a_test.go:3: actor imports thespian.dev/system, and may import only address, message: " + rules["actor"].why + "\n",
		},
		"allowed in a test alone": {
			tree: "-- transport-queue/nats/n.go --\npackage nats\n\nimport _ \"thespian.dev/integration\"\n",
			want: "transport-queue/nats/n.go:3: transport-queue/nats imports thespian.dev/integration, and may import only " +
				"address, message, transport: " + rules["transport-queue/nats"].why + "\n",
		},
		"not even allowed in a test": {
			tree: "-- transport-queue/nats/n_test.go --\npackage nats\n\nimport _ \"thespian.dev/system\"\n",
			want: "transport-queue/nats/n_test.go:3: transport-queue/nats imports thespian.dev/system, and may import only " +
				"address, message, transport, integration: " + rules["transport-queue/nats"].why + "\n",
		},
		"under a build constraint": {
			tree: "-- actor/a.go --\n//go:build ignore\n\npackage actor\n\nimport _ \"thespian.dev/system\"\n",
			want: "actor/a.go:5: actor imports thespian.dev/system, and may import only address, message: " + rules["actor"].why + "\n",
		},
		"a nested module is another one": {
			tree: "-- transport-queue/q.go --\npackage queue\n\nimport _ \"thespian.dev/transport-queue/nats\"\n",
			want: "transport-queue/q.go:3: transport-queue imports thespian.dev/transport-queue/nats, and may import only " +
				"address, message, transport: " + rules["transport-queue"].why + "\n",
		},
		"internal": {
			tree: "-- system/s.go --\npackage system\n\nimport _ \"thespian.dev/actor/internal/x\"\n",
			want: "system/s.go:3: system imports thespian.dev/actor/internal/x: internal packages stay inside their module, " +
				"or a user who upgrades one of the two breaks the other\n",
		},
		"internal, although everything is allowed": {
			tree: "-- examples/e.go --\npackage examples\n\nimport _ \"thespian.dev/actor/x/internal\"\n",
			want: "examples/e.go:3: examples imports thespian.dev/actor/x/internal: internal packages stay inside their module, " +
				"or a user who upgrades one of the two breaks the other\n",
		},
		"what nobody may import": {
			tree: "-- examples/e.go --\npackage examples\n\nimport _ \"thespian.dev/benchmarks\"\n",
			want: "examples/e.go:3: examples imports thespian.dev/benchmarks, which no module may: " + rules["benchmarks"].why + "\n",
		},
		"no such module": {
			tree: "-- examples/e.go --\npackage examples\n\nimport _ \"thespian.dev/trnsport\"\n",
			want: "examples/e.go:3: examples imports thespian.dev/trnsport: no folder on its way has a go.mod\n",
		},
		"not in the table": {
			tree: "-- extra/go.mod --\n-- extra/e.go --\npackage extra\n\nimport _ \"thespian.dev/system\"\n",
			want: "extra/go.mod:1: module extra is not in the table of modules: what it may import, and why, belongs in " +
				"tools/cmd/layout/rules.go and docs/design.md\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			status := run([]string{"-root", filetree.Write(t, modules+test.tree)}, &stdout, &stderr)
			assert.Equal(t, stderr.String(), "")
			assert.Equal(t, stdout.String(), test.want)
			assert.Equal(t, status == 0, test.want == "")
		})
	}
}

func TestFailures(t *testing.T) {
	var stdout, stderr bytes.Buffer
	assert.Equal(t, run([]string{"-root", t.TempDir()}, &stdout, &stderr), 1)
	assert.Assert(t, strings.Contains(stderr.String(), "is it the root of the repository?"), stderr.String())
	assert.Equal(t, run([]string{"folder"}, &stdout, &stderr), 2)
}

// TestRules checks the table against itself.
func TestRules(t *testing.T) {
	for name, r := range rules {
		assert.Assert(t, r.why != "", "%s: no reason", name)
		for _, imported := range r.of(true) {
			_, known := rules[imported]
			assert.Assert(t, known || imported == everything, "%s: there is no module %s", name, imported)
			assert.Assert(t, !r.allows(name, true) || imported == everything, "%s names itself", name)
		}
	}
}
