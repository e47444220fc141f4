// Command write prints the simulator's log: the file that benchmarks measure on, and the examples in docs/examples.
//
//	go run ./internal/simulator/write -lines 1000000 > log.jsonl
//	go run ./internal/simulator/write -start 2026-11-02T08:00:00Z -duration 2h -rate 1 -spam 0.05 -after 1h -then 0.2
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/plumbline-ml/plumbline/internal/simulator"
)

func main() {
	var opts simulator.Options
	flag.Uint64Var(&opts.Seed, "seed", 1, "of the random numbers")
	flag.Float64Var(&opts.Rate, "rate", 200, "mean requests per second of log time")
	flag.Float64Var(&opts.SpamShare, "spam", 0.05, "share of spam")
	flag.StringVar(&opts.Version, "version", "v12", "model version in every record")
	flag.BoolVar(&opts.FullPrecision, "full", false, "write numbers with all their digits")
	flag.BoolVar(&opts.ShuffleKeys, "shuffle", false, "another key order in every record")
	lines := flag.Int("lines", 0, "how many lines; 0 means as many as arrive in -duration")
	start := flag.String("start", "2026-11-02T08:00:00Z", "time of the first record, RFC 3339")
	duration := flag.Duration("duration", time.Hour, "log time to cover when -lines is 0")
	after := flag.Duration("after", 0, "log time after which -then holds; 0 means never")
	then := flag.Float64("then", 0.1, "share of spam after -after")
	flag.Parse()
	at, err := time.Parse(time.RFC3339, *start)
	if err != nil {
		fmt.Fprintln(os.Stderr, "write: -start wants a time such as 2026-11-02T08:00:00Z")
		os.Exit(2)
	}
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	s := simulator.New(opts)
	var line []byte
	emit := func(t time.Time) {
		if *after > 0 && t.Sub(at) >= *after {
			s.SetSpamShare(*then)
		}
		line = s.AppendRecord(line[:0], t)
		out.Write(line) // the first error sticks and is reported by Flush
	}
	for i := range *lines {
		emit(at.Add(time.Duration(float64(i) / opts.Rate * float64(time.Second))))
	}
	if *lines == 0 {
		for t := at; t.Sub(at) < *duration; t = t.Add(time.Second) {
			n := s.Requests(t, t.Add(time.Second))
			for i := range n {
				emit(t.Add(time.Duration(i) * time.Second / time.Duration(n)))
			}
		}
	}
	if err := out.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, "write:", err)
		os.Exit(1)
	}
}
