package parse

import (
	"bytes"
	"testing"
)

func TestALineCostsNoAllocation(t *testing.T) {
	json := benchLines(8, false, true)
	var cri, docker, pieces [][]byte
	for _, line := range json {
		cri = append(cri, append([]byte("2023-06-22T10:27:25.813799277Z stdout F "), line...))
		docker = append(docker, []byte(`{"log":"`+string(bytes.ReplaceAll(line, []byte(`"`), []byte(`\"`)))+`\n","stream":"stdout","time":"2024-03-30T08:31:20.545192187Z"}`))
		pieces = append(pieces, append([]byte("2023-06-22T10:27:25.813799277Z stdout P "), line[:100]...), append([]byte("2023-06-22T10:27:25.813799277Z stdout F "), line[100:]...))
	}
	escaped := [][]byte{[]byte(`{"prediction":{"label":"sp\u00e4m` + "\xff" + `"},"ts":1795000000.25,"features":{"num_00":"4.9","v":[1,2,3]}}`)}
	rspamdFields := append(paths("score", "action", "bayes", "symbol.*"), Field{Path: "time", Time: true},
		Field{Path: "file", Time: true, Pattern: `\.(\d{8}T\d{6})\.`, Layout: "20060102T150405"})
	for _, c := range []struct {
		name, format string
		fields       []Field
		lines        [][]byte
	}{
		{"json", "json", benchFields, json},
		{"json with escapes", "json", benchFields, escaped},
		{"cri", "json", benchFields, cri},
		{"cri in pieces", "json", benchFields, pieces},
		{"docker", "json", benchFields, docker},
		{"rspamd", "rspamd", rspamdFields, bytesOf(ownLines["rspamd"])},
		{"spamassassin", "spamassassin", append(paths("score", "bayes", "test.*"), Field{Path: "time", Time: true}), bytesOf(ownLines["spamassassin"])},
		{"bentoml", "bentoml", append(paths("*"), Field{Path: "timestamp", Time: true}), bytesOf(ownLines["bentoml"])},
		{"mlserver", "mlserver", append(paths("model", "level"), Field{Path: "time", Time: true}), bytesOf(ownLines["mlserver"])},
		{"logfmt", "logfmt", paths("a", "b", "f.*"), [][]byte{[]byte(`a=1 b="x y" f.one=2.5 z=9`)}},
		{"csv", "csv", paths("a", "b"), [][]byte{[]byte(`a,b,c`), []byte(`1,"x ""y""",3`), []byte(`4.25,z,0`)}},
		{"torchserve", "torchserve", append(paths("metric.*", "model"), Field{Path: "time", Time: true}), bytesOf(ownLines["torchserve"])},
		{"vllm", "vllm", paths("running", "kv_cache_usage"), bytesOf(ownLines["vllm"])},
		{"sagemaker", "sagemaker", paths("input.*", "output.*"), bytesOf(ownLines["sagemaker"])},
		{"triton-trace", "triton-trace", paths("input.*"), bytesOf(ownLines["triton-trace"])},
		{"ray-serve", "ray-serve", append(paths("latency_ms", "status"), Field{Path: "time", Time: true}), bytesOf(ownLines["ray-serve"])},
	} {
		p := compile(t, c.format, FormatOptions{}, c.fields...)
		parser := p.NewParser()
		var rec Record
		feedAll := func() {
			for i, line := range c.lines {
				if res := parser.Line(line, int64(i), &rec); res.Status == Bad || res.Reason != None {
					t.Fatalf("%s: %v", c.name, res)
				}
			}
		}
		for range 10 {
			feedAll()
		}
		if n := testing.AllocsPerRun(20, feedAll); n != 0 {
			t.Errorf("%s: %v allocations for %d lines", c.name, n, len(c.lines))
		}
	}
}
