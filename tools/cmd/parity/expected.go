package main

import (
	"fmt"
	"slices"
	"strconv"
)

// A section is a letter of IDs, numbered from 1.
type section struct {
	letter string
	last   int    // the highest number; 0: as many as the document has, but at least one
	what   string // for the reader of this table
}

// expected are all sections of Thespian's features.
var expected = []section{
	{"A", 26, "what an actor can do"},
	{"B", 17, "what a program outside can do"},
	{"C", 9, "capabilities, requirements, placement"},
	{"D", 14, "conventions"},
	{"E", 11, "system messages"},
	{"F", 9, "loadable sources"},
	{"G", 10, "modules beside the core"},
	{"H", 4, "system bases"},
	{"I", 15, "life cycle, failure, processes"},
	{"J", 10, "status and logging"},
	{"K", 0, "the Director"},
	{"L", 0, "shell commands"},
	{"M", 0, "groups of environment variables"},
}

// checkIDs returns which IDs are there twice, missing or unknown, and which parts do not follow their feature in order.
func checkIDs(rows []row) []problem {
	var problems []problem
	lines := map[string]int{}
	highest := map[string]int{}
	for _, r := range rows {
		id := idPattern.FindStringSubmatch(r.id)
		if id == nil {
			continue // reported as malformed
		}
		if before, ok := lines[r.id]; ok {
			problems = append(problems, problem{r.line, fmt.Sprintf("%s: already in line %d", r.id, before)})
			continue
		}
		lines[r.id] = r.line
		letter := r.id[:1]
		number, err := strconv.Atoi(id[1][1:])
		i := slices.IndexFunc(expected, func(s section) bool { return s.letter == letter })
		if err != nil || i < 0 || number > maxNumber || expected[i].last > 0 && number > expected[i].last {
			problems = append(problems, problem{r.line, r.id + ": there is no such feature"})
			continue
		}
		if part := id[2]; part != "" {
			before := id[1]
			if part != "a" {
				before += string(part[0] - 1)
			}
			if lines[before] == 0 {
				problems = append(problems, problem{r.line, r.id + ": there is no " + before + " before it"})
			}
			continue
		}
		highest[letter] = max(highest[letter], number)
	}
	for _, s := range expected {
		last := s.last
		if last == 0 {
			last = max(1, highest[s.letter])
		}
		for number := 1; number <= last; number++ {
			if id := fmt.Sprint(s.letter, number); lines[id] == 0 {
				problems = append(problems, problem{1, id + ": missing"})
			}
		}
	}
	return problems
}

// maxNumber keeps a slip of the pen in an open section, such as K70000, from being reported as that many gaps.
const maxNumber = 99
