package state

import "slices"

// job is work that one Apply may have to leave: it is done in steps, each
// within the budget of an entry.
type job interface {
	// step goes on until the work is done (true) or the budget is spent.
	step(m *Machine) bool
	// place is its order among the jobs, given by nextJob and stored.
	place() uint64
}

// work is the jobs in the order of their coming.
type work struct{ jobs []job }

func newWork() work { return work{} }

func (w *work) add(j job) {
	if !slices.Contains(w.jobs, j) {
		w.jobs = append(w.jobs, j)
	}
}

// nextJob gives a job its place.
func (m *Machine) nextJob() uint64 {
	m.jobs++
	m.dirty.machine = true
	return m.jobs
}

func (w *work) pending() bool { return len(w.jobs) > 0 }

func (m *Machine) runWork() {
	for m.budget > 0 && len(m.work.jobs) > 0 {
		j := m.work.jobs[0]
		if !j.step(m) {
			return
		}
		m.work.jobs[0] = nil
		m.work.jobs = m.work.jobs[1:]
	}
}
