package matrix

import (
	"cmp"
	"slices"
	"testing"

	"thespian.dev/system"
)

// Test runs every behaviour in the configurations; with -short, as under the race detector, in one of each base: of several systems if there is one, but not of many.
func Test(t *testing.T, app system.App, configs []Config) {
	if testing.Short() {
		configs = slices.DeleteFunc(configs, func(c Config) bool { return c.Systems > 2 })
		slices.SortStableFunc(configs, func(a, b Config) int {
			return cmp.Or(cmp.Compare(a.Base, b.Base), cmp.Compare(b.Systems, a.Systems))
		})
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
