package monitor

import (
	"github.com/plumbline-ml/plumbline/detectors"
	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

// rareCounts are what a reference knows of categories that are too rare to be named. The zero value says that it does
// not know: an older file.
type rareCounts struct {
	least    uint64 // records from which a category is named
	upTo     uint64 // records whose category came at most so often
	next     uint64 // categories that came once more
	distinct uint64 // categories in all
}

// unseen is the share of values without a name that is expected of the future, and a bound that holds with the probability of
// all bounds on a reference. Rare categories that are named nowhere and new ones come to it by Good-Turing; frequent ones
// that found no room among max_categories by the exact interval of a share.
func (b *baseline) unseen() (expected, upper float64) {
	other, n := b.ref.Fine[len(b.ref.Fine)-1], b.ref.N
	if b.rare.least == 0 {
		_, hi := sequential.ClopperPearson(other, n, alphaReference)
		return share(other, n), hi
	}
	// Of the records without a name some are rare and the rest crowded out.
	crowded := other - min(other, b.rare.upTo)
	_, hi := sequential.ClopperPearson(crowded, n, alphaReference)
	if crowded == 0 {
		hi = 0
	}
	expected, upper = detectors.GoodTuringBelow(b.rare.least, min(b.rare.upTo, n), b.rare.next, n, alphaReference)
	return min(1, expected+share(crowded, n)), min(1, upper+hi)
}

// expected keeps what unseen expects of a column's reference: a publish a second asks for it, and it costs as much as everything else
// that is said of a reference.
type expected struct {
	of    *baseline
	share float64
}

func (c *column) expectedUnseen() float64 {
	if c.unseen.of != c.base {
		share, _ := c.base.unseen()
		c.unseen = expected{c.base, share}
	}
	return c.unseen.share
}
