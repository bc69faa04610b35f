package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "write docs/configuration.md anew")

const referenceFile = "../../docs/configuration.md"

// TestReferenceIsCurrent: go test ./cmd/node -update writes it anew.
func TestReferenceIsCurrent(t *testing.T) {
	if *update {
		if err := os.WriteFile(referenceFile, []byte(reference()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != reference() {
		t.Error("docs/configuration.md does not tell of the flags as they are; run: go test ./cmd/node -update")
	}
}

// reference is docs/configuration.md, made from the flags themselves.
func reference() string {
	var b strings.Builder
	b.WriteString(`# Configuration of windrowd

Every option is a flag, a key of the YAML file given with ` + "`--config`" + `, and an
environment variable. Flags win over variables, variables over the file.

` + "```yaml" + `
# windrowd --config node.yaml
data_dir: /var/lib/windrow
http_addr: 10.0.0.1:8080
join: [10.0.0.1:8090, 10.0.0.2:8090, 10.0.0.3:8090]
` + "```" + `

Durations are ` + "`30s`, `5m`, `24h`" + `; sizes ` + "`64MiB`" + ` or bytes; lists are comma-separated.

| flag | file | environment | default | |
| --- | --- | --- | --- | --- |
`)
	flagSet().VisitAll(func(f *pflag.Flag) {
		if f.Name == "version" {
			return
		}
		key := strings.ReplaceAll(f.Name, "-", "_")
		def := f.DefValue
		if f.Name == "concurrency" {
			def = "4 × cores"
		}
		if def == "" || def == "[]" {
			def = "–"
		} else {
			def = "`" + def + "`"
		}
		fmt.Fprintf(&b, "| `--%s` | `%s` | `WINDROW_%s` | %s | %s |\n", f.Name, key, strings.ToUpper(key), def, f.Usage)
	})
	b.WriteString(`
Exit codes: 0 after a stop by SIGTERM or SIGINT, 1 a fault, 2 a wrong option.
`)
	return b.String()
}
