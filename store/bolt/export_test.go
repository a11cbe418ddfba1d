package bolt

import (
	"time"

	"davit/store/engine"
)

// OpenWithJournal opens with a journal from the first commit on, and with layers of so
// many bytes, which are folded only when they are full.
func OpenWithJournal(path string, layer int64, step func(what string)) (engine.Engine, error) {
	return open(path, Options{}, limits{after: 1, layer: layer, gone: 1000, rest: time.Hour, journal: pageSize, step: step})
}

// What the steps are.
const (
	DidFold   = didFold
	DidRepeat = didRepeat
)

// Rest opens as usual, and folds after so long.
func Rest(path string, rest time.Duration) (engine.Engine, error) {
	room := usualLimits
	room.after, room.rest = 1, rest
	return open(path, Options{}, room)
}

// JournalNames are the files of a journal.
func JournalNames(path string) [2]string { return journalNames(path) }

// LoseJournal closes the journal's files, so that the next record fails.
func LoseJournal(e engine.Engine) error { return e.(*database).backend.journal.close() }

// LoseData closes the database's file, so that the next fold fails.
func LoseData(e engine.Engine) error { return e.(*database).backend.file.Close() }

// Journaled tells whether there is a journal.
func Journaled(e engine.Engine) bool { return e.(*database).backend.journal != nil }

// Folding tells whether a layer is on its way into the database.
func Folding(e engine.Engine) bool {
	b := e.(*database).backend
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failure() == nil && b.folding != nil
}

// Folded waits until none is.
func Folded(e engine.Engine) {
	b := e.(*database).backend
	b.mu.Lock()
	f := b.folding
	b.mu.Unlock()
	if f != nil {
		<-f.done
	}
}

// Looked has the next reader who needs a transaction of his own call f first.
func Looked(e engine.Engine, f func()) { e.(*database).backend.views.looked = f }

// Fold brings all that was committed into the database.
func Fold(e engine.Engine) error { return e.(*database).backend.fold() }

// Rested does what happens when a layer was begun a while ago, and tells the generation
// of the journal.
func Rested(e engine.Engine) uint64 {
	b := e.(*database).backend
	b.rested()
	return b.journal.generation
}
