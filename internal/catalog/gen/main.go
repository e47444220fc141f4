// Command gen writes docs/metrics.md from the catalogue. Run it through "go generate".
package main

import (
	"fmt"
	"os"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

func main() {
	const file = "../../docs/metrics.md"
	if err := os.WriteFile(file, []byte(catalog.Markdown()), 0o644); err != nil {
		fmt.Fprintf(os.Stderr, "write %s: %v\n", file, err)
		os.Exit(1)
	}
}
