package matrix

import (
	"slices"
	"testing"

	"thespian.dev/system"
)

// Test runs every behaviour in the configurations; with -short, as under the race detector, in one of each base.
func Test(t *testing.T, app system.App, configs []Config) {
	if testing.Short() {
		configs = slices.CompactFunc(configs, func(a, b Config) bool { return a.Base == b.Base })
	}
	for _, c := range configs {
		t.Run(c.String(), func(t *testing.T) {
			for _, b := range Behaviours() {
				t.Run(b.Name, func(t *testing.T) {
					t.Parallel()
					r := Try(t.Context(), app, b, c)
					switch {
					case r.Unsupported != "":
						t.Skip(r.Unsupported)
					case r.Failure != "":
						t.Error(r.Failure)
					}
				})
			}
		})
	}
}
