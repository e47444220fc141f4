package parse

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// benchLines writes inference records as a JSON logger does: a time, a version, 20 numbers, 8 categories, a
// score and a label, about 520 bytes each.
func benchLines(n int, full, shuffled bool) [][]byte {
	rng := rand.New(rand.NewPCG(1, 2))
	categories := []string{"mobile", "web", "api", "partner", "de", "fr", "us", "ch"}
	out := make([][]byte, n)
	for i := range out {
		var keys []string
		for k := range 20 {
			x := strconv.FormatFloat(rng.NormFloat64()*100, 'f', 2+k%3, 64)
			if full {
				x = strconv.FormatFloat(rng.NormFloat64()*100, 'g', -1, 64)
			}
			keys = append(keys, fmt.Sprintf(`"num_%02d":%s`, k, x))
		}
		for k := range 8 {
			keys = append(keys, fmt.Sprintf(`"cat_%d":"%s"`, k, categories[rng.IntN(8)]))
		}
		if shuffled {
			rng.Shuffle(len(keys), func(a, b int) { keys[a], keys[b] = keys[b], keys[a] })
		}
		ts := time.Unix(1_795_000_000+int64(i), 123_000_000).UTC().Format("2006-01-02T15:04:05.000Z07:00")
		var b bytes.Buffer
		fmt.Fprintf(&b, `{"ts":"%s","version":"v12","features":{%s},"prediction":{"score":%.4f,"label":"%s"}}`,
			ts, bytes.Join(bytesOf(keys), []byte(",")), rng.Float64(), []string{"ham", "spam"}[rng.IntN(2)])
		out[i] = b.Bytes()
	}
	return out
}

func bytesOf(in []string) [][]byte {
	out := make([][]byte, len(in))
	for i, s := range in {
		out[i] = []byte(s)
	}
	return out
}

var benchFields = []Field{{Path: "ts", Time: true}, {Path: "version"}, {Path: "prediction.score"}, {Path: "prediction.label"}, {Path: "features.*"}}
