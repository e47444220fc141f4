package monitor

// accepted is who accepted another reference for a column, when and why.
type accepted struct {
	at             int64 // event time
	author, reason string
	counts         bucketColumn
	moments        moments
}

func (a *accepted) encode(e *encoder) {}

func decodeAccepted(d *stateDecoder) *accepted { return nil }

func (in *Instance) adopt(c *column, a *accepted) {}
