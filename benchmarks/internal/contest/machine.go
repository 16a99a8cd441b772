package contest

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

// A Machine is what a report was taken on. What cannot be found out is left empty.
type Machine struct {
	CPU        string `json:"cpu"`
	Cores      int    `json:"cores"`
	Memory     uint64 `json:"memoryBytes"`
	OS         string `json:"os"`
	Go         string `json:"go"`
	GOMAXPROCS int    `json:"gomaxprocs"`
}

// ThisMachine describes the machine that it is called on.
func ThisMachine() Machine {
	m := Machine{
		CPU:        inFile("/proc/cpuinfo", `(?m)^(?:model name|Hardware|Processor)\s*:\s*(.+)$`),
		Cores:      runtime.NumCPU(),
		OS:         runtime.GOOS + "/" + runtime.GOARCH,
		Go:         runtime.Version(),
		GOMAXPROCS: runtime.GOMAXPROCS(0),
	}
	if name := inFile("/etc/os-release", `(?m)^PRETTY_NAME="?([^"\n]+)`); name != "" {
		m.OS += ", " + name
	}
	if kernel := inFile("/proc/sys/kernel/osrelease", `(\S+)`); kernel != "" {
		m.OS += ", kernel " + kernel
	}
	kilobytes, _ := strconv.ParseUint(inFile("/proc/meminfo", `(?m)^MemTotal:\s*(\d+) kB$`), 10, 64)
	m.Memory = kilobytes << 10
	if runtime.GOOS == "darwin" {
		m.CPU = sysctl("machdep.cpu.brand_string")
		m.Memory, _ = strconv.ParseUint(sysctl("hw.memsize"), 10, 64)
	}
	return m
}

func (m *Machine) describe() string {
	parts := []string{m.CPU}
	if m.CPU == "" {
		parts[0] = "unknown CPU"
	}
	parts = append(parts, fmt.Sprintf("%d cores", m.Cores))
	if m.Memory > 0 {
		parts = append(parts, fmt.Sprintf("%.1f GiB", float64(m.Memory)/(1<<30)))
	}
	return strings.Join(parts, ", ")
}

// inFile returns the first group of an expression's first match in a file, "" when there is none.
func inFile(file, expression string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	match := regexp.MustCompile(expression).FindSubmatch(data)
	if match == nil {
		return ""
	}
	return strings.TrimSpace(string(match[1]))
}

func sysctl(name string) string {
	out, err := exec.Command("sysctl", "-n", name).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
