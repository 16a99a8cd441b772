//go:build linux

package conventions

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
)

func fsGlob(pattern string) ([]string, error) {
	folder := filepath.Join(os.TempDir(), "thespian-"+strconv.Itoa(os.Getuid()))
	if given := os.Getenv("XDG_RUNTIME_DIR"); given != "" {
		folder = filepath.Join(given, "thespian")
	}
	return filepath.Glob(filepath.Join(folder, pattern))
}

func TestActorIsPlacedWhereItsKindCanRun(t *testing.T) {
	leader := start(t, "leader", nil, nil)
	member := start(t, "member", leader, actor.Capabilities{"GPU": true})

	for _, kind := range []string{"gpu", "pooled gpu", "light gpu"} {
		worker := leader.create(t, kind)
		assert.Equal(t, leader.ask(t, worker, Where{}), "member", kind)
	}
	here := member.create(t, "gpu")
	assert.Equal(t, member.ask(t, here, Where{}), "member")
}
