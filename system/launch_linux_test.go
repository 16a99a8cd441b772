package system

import (
	"os"
	"testing"

	"gotest.tools/v3/assert"
)

// A new process gets its descriptors, by number, before it runs the executable, whatever number that has here.
func TestExecutableIsNotInTheWayOfDescriptors(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	assert.NilError(t, err)
	defer null.Close()
	var all []*os.File
	for range 8 {
		exe, err := openExecutable("/proc/self/exe")
		assert.NilError(t, err)
		defer exe.Close()
		all = append(all, exe)
	}
	for _, exe := range all {
		for _, files := range [][]*os.File{{null, null, null}, {null, null, null, all[0], all[7]}, {null, null, null, all[7], all[3], exe}} {
			process, err := startProcess(exe, &os.ProcAttr{Files: files}, []string{"test", "-test.list", "^$"})
			assert.NilError(t, err)
			state, err := process.Wait()
			assert.NilError(t, err)
			assert.Assert(t, state.Success(), "%v", state)
		}
	}
}
