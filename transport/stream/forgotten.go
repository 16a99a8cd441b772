package stream

import "thespian.dev/transport"

// forgotten are the nodes that were forgotten last: of those before them Handler.Admit knows that they have ended.
type forgotten struct {
	nodes map[transport.Node]struct{}
	order []transport.Node // a ring, once it is full
	next  int
}

// maxForgotten is how many nodes are remembered.
const maxForgotten = 4096

func (f *forgotten) has(node transport.Node) bool {
	_, is := f.nodes[node]
	return is
}

func (f *forgotten) add(node transport.Node) {
	switch {
	case f.has(node):
		return
	case f.nodes == nil:
		f.nodes = make(map[transport.Node]struct{})
	}
	f.nodes[node] = struct{}{}
	if len(f.order) < maxForgotten {
		f.order = append(f.order, node)
		return
	}
	delete(f.nodes, f.order[f.next])
	f.order[f.next] = node
	f.next = (f.next + 1) % maxForgotten
}
