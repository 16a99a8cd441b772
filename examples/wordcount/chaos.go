package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"thespian.dev/message"
	"thespian.dev/system"
)

// A chaos kills processes of workers.
type chaos struct {
	sys    *system.System
	period time.Duration
	say    func(line string)
	killed int
	cancel context.CancelFunc
	ended  chan struct{}
}

// startChaos has the process of a worker killed in each period, until stop is called. It fails where workers have no processes.
func startChaos(ctx context.Context, sys *system.System, period time.Duration, say func(line string)) (*chaos, error) {
	status, err := sys.Status(ctx)
	if err != nil {
		return nil, err
	}
	if len(status.Processes) == 0 {
		return nil, fmt.Errorf("-chaos: on the base %s workers have no processes that could be killed; choose one where they have, with -base", status.Base)
	}
	c := &chaos{sys: sys, period: period, say: say, ended: make(chan struct{})}
	ctx, c.cancel = context.WithCancel(ctx)
	go c.run(ctx)
	return c, nil
}

// stop ends it, and says how many were killed.
func (c *chaos) stop() {
	c.cancel()
	<-c.ended
	if c.killed == 0 {
		c.say(fmt.Sprintf("chaos: no worker was killed; there is one every %v, and -chaos-period changes that", c.period))
		return
	}
	c.say(fmt.Sprintf("chaos: %s killed", quantity(c.killed, "worker")))
}

func (c *chaos) run(ctx context.Context) {
	defer close(c.ended)
	ticker := time.NewTicker(c.period)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		status, err := c.sys.Status(ctx)
		if err != nil {
			return // of what happened to the system, the count learns, too
		}
		if victims := workersOf(status); len(victims) > 0 {
			c.kill(victims[rand.IntN(len(victims))])
		}
	}
}

// workersOf returns the workers that have processes of their own.
func workersOf(s message.SystemStatus) (workers []message.ActorStatus) {
	actors := make(map[int]int) // in each process
	for _, a := range s.Actors {
		actors[a.PID]++
	}
	for _, a := range s.Actors {
		if a.Kind == "worker" && a.PID > 0 && a.PID != os.Getpid() && actors[a.PID] == 1 {
			workers = append(workers, a)
		}
	}
	return workers
}

func (c *chaos) kill(worker message.ActorStatus) {
	process, err := os.FindProcess(worker.PID)
	if err == nil {
		err = process.Kill()
	}
	if err != nil { // it has ended meanwhile
		return
	}
	c.killed++
	c.say(fmt.Sprintf("chaos: killed process %d, worker %v", worker.PID, worker.Actor))
}
