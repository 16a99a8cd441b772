package benchmarks

import (
	"context"
	"fmt"
	"os"

	"thespian.dev/benchmarks/internal/contest"
	"thespian.dev/system"
)

// processMegabytes is a figure: a process's share of the memory, where what several share counts once for all of them (PSS).
const processMegabytes contest.Unit = "MB/process"

// farMemory is about the memory of actors' processes.
func farMemory(on []Venue, n int) contest.Work {
	const raw = "bare processes"
	return contest.Work{
		Name:        fmt.Sprintf("far memory %d", n),
		About:       fmt.Sprintf("the proportional share of the memory (PSS) of the process of an actor that has started, the mean of %d", n),
		Unit:        processMegabytes,
		Raw:         raw,
		Goal:        contest.Goal{Value: 1},
		N:           n,
		Rounds:      2,
		Contestants: append([]contest.Contestant{{Name: raw, Run: memoryOfBare}}, onEach(on, contest.Contestant{Name: "actors", Goal: true, Run: memoryOfFar})...),
	}
}

func memoryOfBare(ctx context.Context, m contest.Meter, n int) error {
	m.ResetTimer()
	processes, err := bareProcesses(ctx, n)
	m.StopTimer()
	if err == nil {
		pids := make([]int, len(processes))
		for i, p := range processes {
			pids[i] = p.PID
		}
		err = reportMemory(m, pids)
	}
	return stopAll(processes, err)
}

func memoryOfFar(ctx context.Context, m contest.Meter, n int) error {
	return withFar(ctx, func(sys *system.System) error {
		parent, err := sys.Create(ctx, breederKind)
		if err != nil {
			return err
		}
		m.ResetTimer()
		bred, err := breed(ctx, sys, parent, Breed{N: n, Kind: spawnKind, List: true})
		m.StopTimer()
		if err != nil {
			return err
		}
		return reportMemory(m, bred.PIDs)
	})
}

// reportMemory reports the mean of what the processes take.
func reportMemory(m contest.Meter, pids []int) error {
	var all, anonymous float64
	for _, pid := range pids {
		file, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			return err
		}
		share, known := procMegabytes(file, "Pss:")
		if !known {
			return fmt.Errorf("the system does not tell the share of process %d", pid)
		}
		own, _ := procMegabytes(file, "Pss_Anon:")
		all, anonymous = all+share, anonymous+own
	}
	m.ReportMetric(all/float64(len(pids)), string(processMegabytes))
	m.ReportMetric(anonymous/float64(len(pids)), "MB of it without a file")
	return nil
}
