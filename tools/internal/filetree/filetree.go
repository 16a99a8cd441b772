// Package filetree writes small trees of files for the tests of the tools.
package filetree

import (
	"io/fs"
	"os"
	"testing"

	"golang.org/x/tools/txtar"
	"gotest.tools/v3/assert"
)

// Write writes the files of a txtar archive ("-- name --" lines, each followed by the file) to a new folder, which is
// removed when the test ends, and returns the folder's name.
func Write(t *testing.T, archive string) string {
	t.Helper()
	dir := t.TempDir()
	files, err := txtar.FS(txtar.Parse([]byte(archive)))
	assert.NilError(t, err)
	assert.NilError(t, os.CopyFS(dir, files))
	return dir
}

// Read returns the text of every file below dir, by its name with slashes.
func Read(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	below := os.DirFS(dir)
	assert.NilError(t, fs.WalkDir(below, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(below, name)
		files[name] = string(data)
		return err
	}))
	return files
}
