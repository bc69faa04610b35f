package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestInsist(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, tries, told := time.Now(), 0, 0
		insist(t.Context(), func(context.Context) error {
			if tries++; tries < 10 {
				return errors.New("not yet")
			}
			return nil
		}, func(error) { told++ })
		// 0.1 + 0.2 + … + 6.4 = 12.7, then twice the longest.
		if took := time.Since(begun); tries != 10 || told != 9 || took != 32700*time.Millisecond {
			t.Errorf("%d tries, told of %d, in %v", tries, told, took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		insist(ctx, func(context.Context) error { cancel(); return errors.New("too late") }, func(error) { t.Error("told of the end of leading") })
	})
}
