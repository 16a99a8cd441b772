package main

import "slices"

// report is what is printed; -json prints it as it stands.
type report struct {
	Total    counts            `json:"total"`
	Bases    map[string]counts `json:"bases"`
	OpenRows []openRow         `json:"openRows,omitempty"`
}

// counts are numbers of rows.
type counts struct {
	Shown       int `json:"shown"`
	Differently int `json:"differently"`
	Open        int `json:"open"`
	Elsewhere   int `json:"elsewhere"` // rows that do not speak of this base; 0 in the total
}

type openRow struct {
	ID      string `json:"id"`
	Feature string `json:"feature"`
}

func count(rows []row) report {
	r := report{Bases: map[string]counts{}}
	for _, row := range rows {
		r.Total.add(row.state, true)
	}
	for _, base := range bases {
		var c counts
		for _, row := range rows {
			c.add(row.state, slices.Contains(row.bases, base) || row.state == open && len(row.bases) == 0)
		}
		r.Bases[base] = c
	}
	return r
}

// add counts a row of this state; here tells whether it speaks of what is counted. Malformed rows have no state.
func (c *counts) add(state string, here bool) {
	switch {
	case state == shown && here:
		c.Shown++
	case state == differently && here:
		c.Differently++
	case state == open && here:
		c.Open++
	case state != "":
		c.Elsewhere++
	}
}

func openRows(rows []row) []openRow {
	var found []openRow
	for _, row := range rows {
		if row.state == open {
			found = append(found, openRow{row.id, row.feature})
		}
	}
	return found
}
