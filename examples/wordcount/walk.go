package main

import (
	"io/fs"
	"path/filepath"
)

// walk calls found for each file below a folder, in the order of their paths, and unreadable for what it cannot look at. It does not follow symbolic
// links, and passes over what is no file, such as devices and pipes. It ends early with an error of found, and fails when the
// folder itself cannot be read. In place of a folder it takes a file, too.
func walk(root string, found func(path string, size int64) error, unreadable func(error)) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil && path == root {
			return err
		}
		if err == nil && !entry.Type().IsRegular() {
			return nil
		}
		var info fs.FileInfo
		if err == nil {
			info, err = entry.Info()
		}
		if err != nil {
			unreadable(err)
			return nil
		}
		return found(path, info.Size())
	})
}
