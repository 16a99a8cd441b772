package system

import (
	"os"
	"testing"

	"gotest.tools/v3/assert"
)

// A new process gets its descriptors, by number, before it runs the executable.
func TestExecutableIsNotAmongTheDescriptorsOfANewProcess(t *testing.T) {
	exe, err := openExecutable("/proc/self/exe")
	assert.NilError(t, err)
	defer exe.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	assert.NilError(t, err)
	defer null.Close()
	files := make([]*os.File, aboveInherited)
	for i := range files {
		files[i] = null
	}
	process, err := startProcess(exe, &os.ProcAttr{Files: files}, []string{"test", "-test.list", "^$"})
	assert.NilError(t, err)
	state, err := process.Wait()
	assert.NilError(t, err)
	assert.Assert(t, state.Success(), "%v", state)
	assert.Assert(t, exe.Fd() >= aboveInherited)
}
