package matrix_test

import (
	"testing"

	"thespian.dev/integration/matrix"
)

func TestMain(m *testing.M) { matrix.App().TestMain(m) }

// TestMatrix runs every behaviour in configurations that have every two settings together.
func TestMatrix(t *testing.T) {
	app := matrix.App()
	for _, c := range matrix.Pairs(matrix.Configs()) {
		t.Run(c.String(), func(t *testing.T) {
			for _, b := range matrix.Behaviours() {
				t.Run(b.Name, func(t *testing.T) {
					t.Parallel()
					r := matrix.Try(t.Context(), app, b, c)
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
