//go:build linux

package conventions

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/convention/authority"
	"thespian.dev/convention/authority/authoritytest"
	"thespian.dev/system"
)

// put replaces a file.
func put(t *testing.T, file string, content []byte) {
	t.Helper()
	assert.NilError(t, os.WriteFile(file+".new", content, 0o600))
	assert.NilError(t, os.Rename(file+".new", file))
}

// issue puts a certificate in place that is valid for two hours around a time.
func issue(t *testing.T, of *authoritytest.Issuer, name string, around time.Time) {
	t.Helper()
	certificate, key := of.Issue(t, around.Add(time.Hour))
	put(t, name+".key", key)
	put(t, name+".pem", certificate)
}

// certified returns options with the files of a system.
func certified(name string) system.Options {
	return system.Options{TLS: &system.TLSFiles{Certificate: name + ".pem", Key: name + ".key", Authorities: name + ".authorities"}}
}

// A convention goes over to another authority while it works.
// A program that attaches need not have the secret, but not another one either.
func TestProgramsWithAnotherSecretAreRefused(t *testing.T) {
	port := freePort(t)
	at := actor.Capabilities{"Admin Port": port}
	secret := authority.NewSecret()
	sys, err := app.Start(within(t), &system.Options{ConventionSecret: secret, Capabilities: at})
	assert.NilError(t, err)
	t.Cleanup(func() { _ = sys.Shutdown(context.Background()) })
	file := filepath.Join(t.TempDir(), "secret")
	assert.NilError(t, os.WriteFile(file, []byte(secret+"\n"), 0o600))
	for _, c := range []struct {
		o    system.Options
		want string
	}{
		{system.Options{}, ""},
		{system.Options{ConventionSecret: secret}, ""},
		{system.Options{ConventionSecretFile: file}, ""},
		{system.Options{ConventionSecret: authority.NewSecret()}, "the system is running with another convention secret or certificate"},
		{system.Options{Insecure: true}, "the system is running with another convention secret or certificate"},
	} {
		c.o.Capabilities = at
		other, err := app.Start(within(t), &c.o)
		if c.want == "" {
			assert.NilError(t, err)
			assert.NilError(t, other.Close())
		} else {
			assert.ErrorContains(t, err, c.want)
		}
	}
}

func TestCertificatesAreRenewedWithoutRestart(t *testing.T) {
	t.Chdir(t.TempDir())
	first, second := authoritytest.NewIssuer(t), authoritytest.NewIssuer(t)
	systems := []string{"leader", "member"}
	for _, name := range systems {
		issue(t, first, name, time.Now())
		put(t, name+".authorities", first.PEM)
	}
	leader := startWith(t, "leader", nil, nil, certified("leader"))
	member := startWith(t, "member", leader, actor.Capabilities{"GPU": true}, certified("member"))
	gpu := leader.create(t, "gpu")
	assert.Equal(t, leader.ask(t, gpu, Where{}), "member")

	for _, name := range systems {
		put(t, name+".authorities", slices.Concat(first.PEM, second.PEM))
	}
	for _, name := range systems {
		issue(t, second, name, time.Now())
	}
	for _, name := range systems {
		put(t, name+".authorities", second.PEM)
	}
	assert.Equal(t, leader.ask(t, gpu, Where{}), "member", "what is connected stays")

	// Admins, processes that were there, and new ones meet one that knows the second authority alone.
	issue(t, second, "late", time.Now())
	put(t, "late.authorities", second.PEM)
	late := startWith(t, "late", leader, actor.Capabilities{"Disk": true}, certified("late"))
	disk := leader.create(t, "disk")
	assert.Equal(t, leader.ask(t, gpu, Pass{disk}), "late")
	assert.Equal(t, late.ask(t, disk, Pass{gpu}), "member")
	assert.Equal(t, member.ask(t, member.create(t, "servant"), Pass{disk}), "late")
	assert.Equal(t, late.ask(t, late.create(t, "gpu"), Where{}), "member")

	// Who stays with the first one does not belong to it any more.
	issue(t, first, "old", time.Now())
	put(t, "old.authorities", slices.Concat(first.PEM, second.PEM))
	old := startWith(t, "old", leader, nil, certified("old"))
	logged(t, leader.port, "another authority")
	logged(t, old.port, "the other side refused this system's certificate: the authorities of the two differ, or their clocks do (the certificate is valid from ")
	_, err := old.Create(within(t), "gpu")
	assert.ErrorIs(t, err, system.ErrNoCompatibleSystem)
}

// Certificates that are not valid now: the logs of both sides say it.
func TestCertificatesThatAreNotValid(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	of := authoritytest.NewIssuer(t)
	issue(t, of, in("leader"), time.Now())
	put(t, in("leader.authorities"), of.PEM)
	leader := startWith(t, "leader", nil, nil, certified(in("leader")))
	for _, c := range []struct {
		name   string
		around time.Time
		why    string
	}{
		{"expired", time.Now().Add(-3 * time.Hour), " has expired "},
		{"ahead", time.Now().Add(3 * time.Hour), " is valid from "},
	} {
		end := c.around.Add(time.Hour) // what is said of a certificate: when it begins or ends, and what the clock says
		when := map[string]time.Time{"expired": end, "ahead": end.Add(-2 * time.Hour)}[c.name].UTC().Format(time.RFC3339)

		issue(t, of, in(c.name), c.around)
		put(t, in(c.name)+".authorities", of.PEM)
		member := startWith(t, c.name, leader, nil, certified(in(c.name)))
		logged(t, leader.port, "the other side's certificate"+c.why+when)
		logged(t, member.port, "the other side refused this system's certificate, which"+c.why+when)
	}

	// And when it is the leader's own that has expired.
	ended := time.Now().Add(-3 * time.Hour)
	issue(t, of, in("leader"), ended)
	issue(t, of, in("member"), time.Now())
	put(t, in("member.authorities"), of.PEM)
	member := startWith(t, "member", leader, nil, certified(in("member")))
	when := ended.Add(time.Hour).UTC().Format(time.RFC3339)
	logged(t, member.port, "the other side's certificate has expired "+when)
	logged(t, leader.port, "the other side refused this system's certificate, which has expired "+when)
	issue(t, of, in("leader"), time.Now())
	watcher := leader.create(t, "servant")
	assert.Equal(t, leader.ask(t, watcher, Updates{}), "member joined")
}

// Files that are none are refused before a system is started.
func TestCertificatesThatAreNotThere(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		files system.TLSFiles
		why   string
	}{
		{system.TLSFiles{}, "has no Certificate"},
		{system.TLSFiles{Certificate: "a", Authorities: "c"}, "has no Key"},
		{system.TLSFiles{Certificate: "a", Key: "b"}, "has no Authorities"},
		{system.TLSFiles{Certificate: "a", Key: "b", Authorities: "c"}, "the certificate of this system"},
	} {
		_, err := app.Start(within(t), &system.Options{TLS: &c.files, Capabilities: actor.Capabilities{"Admin Port": 0}})
		assert.ErrorContains(t, err, c.why)
	}
}
