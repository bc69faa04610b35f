package calendar

import (
	"testing"
	"time"
)

func BenchmarkNext(b *testing.B) {
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		rule Rule
	}{
		{"minute", Rule{Cron: "* * * * *", Timezone: "Europe/Berlin"}},
		{"daily", Rule{Cron: "30 2 * * *", Timezone: "Europe/Berlin"}},
		{"yearly", Rule{Cron: "@yearly", Timezone: "Europe/Berlin"}},
		{"rare", Rule{Cron: "0 0 29 2 sun", Days: "both", Timezone: "Europe/Berlin"}},
		{"every", Rule{Every: "5m"}},
		{"solar", Rule{Solar: &Solar{Event: "sunset", Latitude: 52, Longitude: 13}}},
		{"polar", Rule{Solar: &Solar{Event: "sunset", Latitude: 85, Longitude: 13}}},
	} {
		s := must(b, c.rule)
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				s.Next(now)
			}
		})
		b.Run(c.name+"/prev", func(b *testing.B) {
			for b.Loop() {
				s.Prev(now)
			}
		})
	}
	s := must(b, Rule{Cron: "0 0 29 2 sun", Days: "both", Timezone: "Europe/Berlin"})
	b.Run("never again", func(b *testing.B) {
		for b.Loop() {
			s.Next(dusk.AddDate(-2, 0, 0))
		}
	})
	b.Run("parse", func(b *testing.B) {
		for b.Loop() {
			_, _ = Parse(Rule{Cron: "*/5 9-17 * * mon-fri", Timezone: "Europe/Berlin"})
		}
	})
	b.Run("parse never", func(b *testing.B) {
		for b.Loop() {
			_, _ = Parse(Rule{Cron: "0 0 30 2 *", Timezone: "Europe/Berlin"})
		}
	})
}
