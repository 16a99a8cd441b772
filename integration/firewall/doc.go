// Package firewall makes networks of hosts with firewalls for tests: network namespaces, joined by a switch, in which commands run.
//
// It takes Linux, root, and the programs ip and nft (packages iproute2 and nftables). Without one of them [New] skips the test, and says what is missing.
// All that a network consists of is in namespaces of its own, so it meets neither the networks of the machine nor those of other tests, and goes with them at the end of the test.
package firewall
