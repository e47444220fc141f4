// Command render writes the dashboards as JSON beside their builders. Run it through "go generate".
package main

import (
	"fmt"
	"os"

	"github.com/plumbline-ml/plumbline/dashboards"
)

func main() {
	for name, d := range dashboards.All() {
		data, err := d.Render()
		if err == nil {
			err = os.WriteFile(name, data, 0o644)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "render %s: %v\n", name, err)
			os.Exit(1)
		}
	}
}
