package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestMan(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man1")
	invoke(t, "", "man", dir).want(t, exitOK)
	page, err := os.ReadFile(filepath.Join(dir, "windrow-task-run.1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{".TH WINDROW-TASK-RUN 1", `\fB\-\-local\fR FILE`, ".SH GLOBAL OPTIONS", `windrow\-task(1)`, ".nf\n"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	for _, name := range []string{"windrow.1", "windrow-task.1", "windrow-cluster-status.1"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	invoke(t, "", "man", filepath.Join(dir, "windrow.1")).want(t, exitUsage)
	if _, err := exec.LookPath("mandoc"); err == nil {
		pages, _ := filepath.Glob(filepath.Join(dir, "*.1"))
		if out, err := exec.Command("mandoc", append([]string{"-Tlint", "-Werror"}, pages...)...).CombinedOutput(); err != nil {
			t.Errorf("mandoc: %s", out)
		}
	}
	if got := roff(".SH x\n'y \\fB"); got != "\\&.SH x\n\\&'y \\efB" {
		t.Errorf("got %q", got)
	}
}
