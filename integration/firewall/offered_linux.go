package firewall

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// offered returns what is missing here to make networks.
func offered() error {
	if os.Geteuid() != 0 {
		return errors.New("that takes root")
	}
	for _, tool := range []struct{ name, of string }{{"ip", "iproute2"}, {"nft", "nftables"}} {
		if _, err := exec.LookPath(tool.name); err != nil {
			return fmt.Errorf("that takes the program %s (package %s): %w", tool.name, tool.of, err)
		}
	}
	return nil
}
