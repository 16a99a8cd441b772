package soak

import (
	"fmt"
	"slices"
)

// A Growth is what a process that stays took of the machine, whenever the system was at rest.
type Growth struct {
	Process     string
	Samples     int
	Descriptors Course
	Memory      Course // resident, in bytes
}

// A Course says how a figure went.
type Course struct{ First, Last, Max int }

// A record is what was sampled of a process.
type record struct {
	descriptors, memory []int
}

func (r *record) add(s sample) {
	r.descriptors, r.memory = append(r.descriptors, s.descriptors), append(r.memory, s.memory)
}

func (r *record) growth(process string) Growth {
	return Growth{process, len(r.descriptors), courseOf(r.descriptors), courseOf(r.memory)}
}

func courseOf(values []int) Course {
	if len(values) == 0 {
		return Course{}
	}
	return Course{values[0], values[len(values)-1], slices.Max(values)}
}

// What may be more at the end than at the beginning: the Admin keeps three descriptors for each process that waits for its actor, and a heap grows as it likes for a while.
const (
	descriptorSlack = 8
	memorySlack     = 32 << 20
)

// problems returns what grows without an end in sight.
func (r *record) problems(process string) (problems []string) {
	if grows(r.descriptors, descriptorSlack) {
		problems = append(problems, fmt.Sprintf("the descriptors of the %s grow: %v", process, r.descriptors))
	}
	if grows(r.memory, memorySlack) {
		problems = append(problems, fmt.Sprintf("the memory of the %s grows: %v", process, r.memory))
	}
	return problems
}

// grows reports whether the values of each third are above all of the third before, and at last by more than the slack.
func grows(values []int, slack int) bool {
	third := len(values) / 3
	if third < 3 {
		return false
	}
	first, middle, last := values[:third], values[third:len(values)-third], values[len(values)-third:]
	return slices.Min(last) > slices.Max(first)+slack && slices.Min(last) > slices.Min(middle) && slices.Max(middle) > slices.Max(first)
}
