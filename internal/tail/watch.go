package tail

import (
	"errors"
	"time"
)

// watcher tells which names in the watched folders changed. It has no goroutine: the kernel keeps the events, and
// equal ones that follow each other as one, until drain takes them.
type watcher interface {
	// add watches a folder; files says whether writes to its files are wanted too, or only names coming and going.
	// Adding a folder again replaces what is wanted and returns the same number.
	add(dir string, files bool) (int32, error)
	remove(wd int32)
	// drain hands over what happened since the last call and never waits. An event's name is valid during yield.
	// True means that events were lost and everything must be looked at.
	drain(yield func(event)) (lost bool)
	// wait returns true as soon as something is there to drain: anything, or more than writes to one file, of which the
	// kernel makes one event. False means that d has passed.
	wait(d time.Duration, anything bool) bool
	close()
}

// event is one change in a watched folder.
type event struct {
	wd     int32
	kind   eventKind
	cookie uint32 // pairs movedFrom with movedTo; 0 in others
	name   []byte // empty when it is about the folder itself
}

type eventKind uint8

const (
	modified eventKind = iota + 1
	created
	movedFrom
	movedTo
	deleted
	dirGone // the watched folder itself was deleted, moved or unmounted; its watch has ended or means nothing
)

// errNoWatcher is why everything is polled on other systems, and in tests.
var errNoWatcher = errors.New("this system has no change notifications that we use")
