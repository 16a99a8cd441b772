package authority_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/convention/authority"
	"thespian.dev/convention/authority/authoritytest"
)

// files are those of a system.
type files struct {
	t                        *testing.T
	certificate, key, others string
	at                       time.Time // when they were changed
	still                    bool      // the time does not change
}

func newFiles(t *testing.T) *files {
	folder := t.TempDir()
	return &files{t: t, certificate: filepath.Join(folder, "system.pem"), key: filepath.Join(folder, "system.key"), others: filepath.Join(folder, "authorities.pem"), at: time.Now().Add(-time.Hour)}
}

// put replaces a file.
func (f *files) put(file string, content []byte) {
	f.t.Helper()
	assert.NilError(f.t, os.WriteFile(file+".new", content, 0o600))
	if !f.still {
		f.at = f.at.Add(time.Second)
	}
	assert.NilError(f.t, os.Chtimes(file+".new", f.at, f.at))
	assert.NilError(f.t, os.Rename(file+".new", file))
}

func (f *files) renew(of *authoritytest.Issuer, until time.Time) {
	f.t.Helper()
	certificate, key := of.Issue(f.t, until)
	f.put(f.key, key)
	f.put(f.certificate, certificate)
}

func (f *files) authority() *authority.Authority {
	f.t.Helper()
	a, err := authority.Files(f.certificate, f.key, f.others)
	assert.NilError(f.t, err)
	return a
}

func TestFilesAreReadAgain(t *testing.T) {
	soon := time.Now().Add(time.Hour)
	first, second := authoritytest.NewIssuer(t), authoritytest.NewIssuer(t)
	mine, theirs := newFiles(t), newFiles(t)
	for _, f := range []*files{mine, theirs} {
		f.renew(first, soon)
		f.put(f.others, first.PEM)
	}
	a, b := mine.authority(), theirs.authority()
	belong := func(why string) {
		t.Helper()
		serverErr, clientErr := meet(t, a, b)
		assert.NilError(t, serverErr, why)
		assert.NilError(t, clientErr, why)
	}
	belong("before")

	mine.renew(first, time.Now().Add(-time.Minute))
	_, clientErr := meet(t, a, b)
	assert.ErrorContains(t, clientErr, "has expired")
	mine.renew(first, soon)
	belong("with a certificate that is renewed")

	// To another authority, step by step.
	both := slices.Concat(first.PEM, second.PEM)
	mine.put(mine.others, both)
	belong("one knows both authorities")
	theirs.put(theirs.others, both)
	belong("both know both")
	mine.renew(second, soon)
	belong("one has a certificate of the second")
	theirs.renew(second, soon)
	belong("both have")
	mine.put(mine.others, second.PEM)
	theirs.put(theirs.others, second.PEM)
	belong("the first is gone")
	mine.still = true // as of files that are copied with their times
	mine.renew(second, soon)
	belong("with a certificate that is renewed")
	mine.renew(first, soon)
	_, clientErr = meet(t, a, b)
	assert.ErrorContains(t, clientErr, "another authority")
}

// What is in the files is of no use for a while: all stays as it was.
func TestFilesThatCannotBeRead(t *testing.T) {
	soon := time.Now().Add(time.Hour)
	of := authoritytest.NewIssuer(t)
	f := newFiles(t)
	f.renew(of, soon)
	f.put(f.others, of.PEM)
	a := f.authority()
	belong := func(why string) {
		t.Helper()
		serverErr, clientErr := meet(t, a, a)
		assert.NilError(t, serverErr, why)
		assert.NilError(t, clientErr, why)
	}
	certificate, key := of.Issue(t, soon)
	f.put(f.certificate, certificate)
	belong("the key does not fit")
	f.put(f.key, key)
	belong("the key fits")
	f.put(f.others, []byte("nothing"))
	belong("no authority is left")
	assert.NilError(t, os.Remove(f.certificate))
	assert.NilError(t, os.Remove(f.others))
	belong("no file is left")

	_, err := authority.Files(f.certificate, f.key, f.others)
	assert.ErrorContains(t, err, "the certificate of this system")
	f.put(f.certificate, certificate)
	_, err = authority.Files(f.certificate, f.key, f.others)
	assert.ErrorContains(t, err, "the authorities of the other systems")
	f.put(f.others, []byte("nothing"))
	_, err = authority.Files(f.certificate, f.key, f.others)
	assert.ErrorContains(t, err, "holds no certificate")
}
