package parse

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// readAll reads lines with one parser and renders what came of each.
func readAll(t testing.TB, p *Plan, input [][]byte) (got []string) {
	t.Helper()
	parser := p.NewParser()
	var rec Record
	for i, line := range input {
		for res := parser.Line(line, int64(i), &rec); ; res = parser.Next(&rec) {
			text := res.Status.String()
			if res.Reason != None {
				text += " " + res.Reason.String()
			}
			if res.Status == Complete {
				if rec.Time != 0 {
					text += " " + time.Unix(0, rec.Time).UTC().Format("2006-01-02T15:04:05.999999")
				}
				for _, v := range show(p, &rec) {
					if !strings.HasPrefix(v, "time=") {
						text += " " + v
					}
				}
			}
			got = append(got, text)
			if !res.More {
				break
			}
		}
	}
	return got
}

func TestPresetsReadTheRealSamples(t *testing.T) {
	clock := Field{Path: "time", Time: true}
	for _, c := range []struct {
		format, file string
		opts         FormatOptions
		fields       []Field
		want         []string
	}{
		{"bentoml", "bentoml-data.0.log", FormatOptions{}, []Field{{Path: "timestamp", Time: true}, {Path: "*"}}, []string{
			`complete 2026-11-23T00:41:04.157913 pred=string "setosa" sepal length=number 4.9 timestamp=number 1.795394464157913e+09`,
			`complete 2026-11-23T00:41:04.158031 pred=string "setosa" sepal length=number 4.9 timestamp=number 1.795394464158031e+09`,
			`complete 2026-11-23T00:41:04.158101 b=bool 1 n=number 7 pred=string "setosa" sepal length=number 4.9 timestamp=number 1.795394464158101e+09`,
			`complete 2026-11-23T00:41:04.158178 big=posinf none=null pred=string "setosa" sepal length=nan timestamp=number 1.795394464158178e+09`,
			`complete 2026-11-23T00:41:04.158227 lst=composite message=string "user column called message" pred=string "é" timestamp=number 1.795394464158227e+09 vec=string "[1.  2.5]"`,
		}},
		{"bentoml", "bentoml-schema.0.log", FormatOptions{}, paths("*"), []string{"ignored"}},
		{"bentoml", "bentoml-otlp-body.json", FormatOptions{}, []Field{{Path: "timestamp", Time: true}, {Path: "*"}}, []string{
			`complete 2022-11-17T04:51:19.587727 petal length=number 1.4 petal width=number 0.2 pred=string "setosa" sepal length=number 4.9 sepal width=number 3 timestamp=number 1.668660679587727e+09`,
		}},
		{"sagemaker", "sagemaker-capture.jsonl", FormatOptions{}, append(paths("input.0", "input.2", "input.68", "input.instances.0.features.2", "output.*"), clock), []string{
			`complete 2022-04-18T00:21:48 input.0=number 132 input.2=number 182.9 input.68=number 1 output.0=number 0.036397725343704224`,
			`complete 2024-01-19T19:27:57 input.instances.0.features.2=number 133937 output.predictions=composite`,
		}},
		{"sagemaker", "sagemaker-capture.jsonl", FormatOptions{}, paths("output.predictions.0.score", "output.predictions.0.predicted_label"), []string{
			`complete`,
			`complete output.predictions.0.predicted_label=number 1 output.predictions.0.score=number 0.9899773597717285`,
		}},
		{"torchserve", "torchserve-metrics.log", FormatOptions{}, append(paths("model", "metric.*"), clock), []string{
			`complete 2020-12-23T15:38:16.909 metric.PredictionTime=number 36505 model=string "bert_trimsweep"`,
			`complete 2022-08-26T03:42:59.892 metric.PredictionTime=number 12.99 model=string "second-resnet-18"`,
			`complete 2023-11-11T19:48:33.368 metric.PredictionTime=number 44223.53 model=string "sdxl"`,
			`complete 2024-05-30T21:41:47.099 metric.Requests2XX=number 1`,
		}},
		{"torchserve", "torchserve-metrics.log", FormatOptions{}, paths("metric.Requests2XX"), []string{"ignored", "ignored", "ignored", `complete metric.Requests2XX=number 1`}},
		{"torchserve", "torchserve-access_log.log", FormatOptions{}, append(paths("model", "status", "latency_ms", "method", "kind"), clock), []string{
			`complete 2018-10-15T13:56:18.976 kind=string "predictions" latency_ms=number 118 method=string "POST" model=string "resnet-18" status=string "200"`,
			`complete 2022-08-26T03:42:59.892 kind=string "predictions" latency_ms=number 15 method=string "PUT" model=string "second-resnet-18" status=string "200"`,
		}},
		{"ray-serve", "ray-serve-replica.jsonl", FormatOptions{}, append(paths("deployment", "application", "route", "method", "status", "latency_ms"), clock), []string{
			"ignored", "ignored",
			`complete 2024-02-27T10:36:10.127 application=string "default" deployment=string "default_Model" latency_ms=number 0.6 method=string "__CALL__" route=string "/" status=string "OK"`,
		}},
		{"ray-serve", "ray-serve-replica.txt", FormatOptions{}, append(paths("deployment", "route", "method", "status", "latency_ms"), clock), []string{
			"ignored", "ignored",
			`complete 2023-04-10T15:59:45.403 deployment=string "SayHello" latency_ms=number 0.5 method=string "__CALL__" route=string "/" status=string "OK"`,
		}},
		{"vllm", "vllm.log", FormatOptions{Year: 2026}, append(paths("engine", "prompt_throughput", "generation_throughput", "running", "waiting", "kv_cache_usage", "prefix_cache_hit_rate"), clock), []string{
			`complete 2026-05-12T08:01:39 engine=string "000" generation_throughput=number 4.8 kv_cache_usage=number 0.628 prefix_cache_hit_rate=number 0 prompt_throughput=number 6335.3 running=number 9 waiting=number 0`,
			`complete 2026-05-19T10:13:11 engine=string "000" generation_throughput=number 1055.3 kv_cache_usage=number 0.9590000000000001 prefix_cache_hit_rate=number 0 prompt_throughput=number 0 running=number 18 waiting=number 43`,
			`complete 2026-04-10T03:44:38 engine=string "000" generation_throughput=number 34.3 kv_cache_usage=number 0.001 prefix_cache_hit_rate=number 0.857 prompt_throughput=number 10.8 running=number 0 waiting=number 0`,
			"ignored", "ignored",
		}},
		{"triton-trace", "triton-trace-tensors.json", FormatOptions{}, paths("input.*", "output.*"), []string{
			`complete input.input.0=number 0.1 input.input.1=number 0.1 input.input.2=number 0.1`,
		}},
		{"regex", "cri.log", FormatOptions{Pattern: `^(?P<text>.+)$`}, paths("text"), []string{
			`complete text=string "standalone containerd line that is super awesome"`, "pending",
			`complete text=string "multiline containerd line that is super awesomne"`, `complete text=string "standalone crio line which is awesome"`,
		}},
		{"regex", "docker-json-file.log", FormatOptions{Pattern: `^(?P<text>.+)$`}, paths("text"), []string{
			`complete text=string "line1"`, `complete text=string "line1"`, "pending",
		}},
		{"json", "azureml-mdc.jsonl", FormatOptions{}, []Field{{Path: "time", Time: true}, {Path: "modelversion"}, {Path: "data.0.label"}, {Path: "data.0.pattern"}}, []string{
			`complete 2022-12-01T08:51:30 data.0.label=string "DRUG" data.0.pattern=string "aspirin" modelversion=string "default"`,
		}},
		{"json", "kserve-v2-request.json", FormatOptions{}, paths("inputs.0.data.1.3"), []string{`complete inputs.0.data.1.3=number 1.6`}},
	} {
		t.Run(c.format+" "+c.file, func(t *testing.T) {
			p := compile(t, c.format, c.opts, c.fields...)
			got := readAll(t, p, lines(t, "formats", c.file))
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestPresetsReadWhatTheSamplesDoNotShow(t *testing.T) {
	for _, c := range []struct {
		name, format string
		opts         FormatOptions
		fields       []Field
		input, want  []string
	}{
		{"vllm takes the year from the container", "vllm", FormatOptions{}, []Field{{Path: "time", Time: true}, {Path: "running"}}, []string{
			"2026-01-01T00:00:05Z stderr F INFO 12-31 23:59:59 [loggers.py:87] Avg prompt throughput: 1.0 tokens/s, Running: 2 reqs, Waiting: 0 reqs",
			"INFO 12-31 23:59:59 [loggers.py:87] Avg prompt throughput: 1.0 tokens/s, Running: 2 reqs, Waiting: 0 reqs",
			"INFO 12-31 23:59:59 [logger.py:39] Received request a: prompt: 'x] Engine 0: Avg prompt throughput: 1.0 tokens/s, Running: 99 reqs'",
		}, []string{"complete 2025-12-31T23:59:59 running=number 2", "complete running=number 2", "ignored"}},
		{"triton traces follow each other in one line", "triton-trace", FormatOptions{}, paths("model", "version", "input.x.1", "output.*", "duration_us"), []string{
			`[{"id":1,"model_name":"m","model_version":3},{"id":1,"timestamps":[{"name":"REQUEST_START","ns":1000}]},{"id":1,"activity":"TENSOR_QUEUE_INPUT","tensor":{"name":"x","data":"1,2.5","shape":"1,2","dtype":"FP32"}},` +
				`{"id":1,"activity":"TENSOR_BACKEND_OUTPUT","tensor":{"name":"y","data":"\"spam\"","shape":"1","dtype":"BYTES"}},{"id":1,"timestamps":[{"name":"REQUEST_END","ns":5000}]},` +
				`{"id":2,"timestamps":[{"name":"HTTP_RECV_START","ns":9}]},{"id":3,"model_name":"m","model_version":4},{"id":3,"activity":"TENSOR_QUEUE_INPUT","tensor":{"name":"x","data":"1,2,3,4","shape":"2,2","dtype":"FP32"}}]`,
			`[{"id":1,"activity":"TENSOR_QUEUE_INPUT","tensor":{"name":"x","data":"1,`,
		}, []string{`complete duration_us=number 4 input.x.1=number 2.5 model=string "m" output.y.0=string "spam" version=string "3"`,
			`complete unsupported input.x.1=number 2 model=string "m" version=string "4"`, "bad truncated"}},
		{"sagemaker rows and base64", "sagemaker", FormatOptions{}, paths("input.0", "input.1", "output.0", "input.a"), []string{
			`{"captureData":{"endpointInput":{"data":"1,x\n2,\"y,z\"\n","encoding":"CSV"},"endpointOutput":{"data":"0.5\n0.25","encoding":"CSV"}},"eventMetadata":{}}`,
			`{"captureData":{"endpointInput":{"data":"eyJhIjogN30=","encoding":"BASE64"},"endpointOutput":{"data":"MC41","encoding":"BASE64"}}}`,
			`{"captureData":{"endpointInput":{"data":"!!","encoding":"BASE64"}}}`,
			`{"captureData":{"endpointInput":{"data":"{\"a\":","encoding":"JSON"}}}`,
			`{"eventVersion":"0"}`,
		}, []string{`complete input.0=number 1 input.1=string "x" output.0=number 0.5`, `complete input.0=number 2 input.1=string "y,z" output.0=number 0.25`,
			`complete input.a=number 7 output.0=number 0.5`, "bad unsupported", "bad truncated", "ignored"}},
		{"mlserver lines of a model", "mlserver", FormatOptions{}, append(paths("model", "version", "level", "logger"), Field{Path: "time", Time: true}), []string{
			`{"time": "2025-12-18 10:36:08,908", "name": "mlserver", "level": "INFO", "message": "said "hello" to you", "model_name": "iris", "model_version": "v1"}`,
			`{"time": "2025-12-18 10:36:08,908", "name": "mlserver", "level": "INFO", "message": "started"}`,
			`2025-12-18 10:36:08,908 [mlserver][iris:v2] ERROR - failed`,
			`2025-12-18 10:36:08,908 [mlserver.parallel] DEBUG - starting`,
			`INFO:     Uvicorn running`,
			`{"time": "2025-12-18 10:36`,
		}, []string{`complete 2025-12-18T10:36:08.908 level=string "INFO" logger=string "mlserver" model=string "iris" version=string "v1"`, "ignored",
			`complete 2025-12-18T10:36:08.908 level=string "ERROR" logger=string "mlserver" model=string "iris" version=string "v2"`, "ignored", "ignored", "bad not_json"}},
		{"mlserver messages that are JSON", "mlserver", FormatOptions{}, paths("message.score", "message.features.*"), []string{
			`{"time": "2025-12-18 10:36:08,908", "name": "mlserver", "level": "INFO", "message": "{"score": 0.5, "features": {"a": 1}}", "model_name": "iris", "model_version": "v1"}`,
			`{"time": "2025-12-18 10:36:08,908", "name": "mlserver", "level": "INFO", "message": "{\"score\": 0.25}", "model_name": "iris", "model_version": "v1"}`,
			`2025-12-18 10:36:08,908 [mlserver][iris:v2] INFO - {"score": 0.75}`,
			`2025-12-18 10:36:08,908 [mlserver][iris:v2] INFO - no JSON`,
		}, []string{`complete message.features.a=number 1 message.score=number 0.5`, `complete message.score=number 0.25`, `complete message.score=number 0.75`, "ignored"}},
		{"NumPy arrays as text", "bentoml", FormatOptions{}, paths("vec.*", "lst.1"), []string{
			`{"vec": "[1.  2.5 nan]", "lst": [1, 2, 3], "timestamp": "2026-11-23T00:41:04", "request_id": "1"}`,
		}, []string{`complete lst.1=number 2 vec.0=number 1 vec.1=number 2.5 vec.2=nan`}},
		{"elements of arrays", "json", FormatOptions{}, paths("a[1]", "b[0][2].c", "d[3]", "e.*"), []string{`{"a":[1,2,3],"b":[[0,0,{"c":"x"}]],"d[3]":7,"e":[1.5,"NaN",null]}`},
			[]string{`complete a[1]=number 2 b[0][2].c=string "x" d[3]=number 7 e.0=number 1.5 e.1=string "NaN" e.2=null`}},
		{"JSON arrays of records", "json", FormatOptions{}, paths("a"), []string{`[{"a":1}, {"a":2},{"b":1},{"a":3}]`, `[{"a":1},{"a":`, `[1,2]`, `[]`},
			[]string{`complete a=number 1`, `complete a=number 2`, "ignored", `complete a=number 3`, `complete a=number 1`, "bad truncated", "bad unsupported", "ignored"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := compile(t, c.format, c.opts, c.fields...)
			got := readAll(t, p, bytesOf(c.input))
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestTheBentoMLSchemaGivesRolesAndKinds(t *testing.T) {
	for _, file := range []string{"bentoml-schema.0.log", "bentoml-otlp-body.json"} {
		s, err := ParseBentoMLSchema(lines(t, "formats", file)[0])
		if err != nil {
			t.Fatal(err)
		}
		first, last := s.Columns[0], s.Columns[len(s.Columns)-1]
		if file == "bentoml-otlp-body.json" {
			if len(s.Columns) != 5 || s.Columns[2] != (Column{Path: "pred", Role: RoleLabel, Kind: ColumnCategory}) {
				t.Errorf("%s: got %v", file, s.Columns)
			}
			continue
		}
		if s.Model != "iris_classifier" || s.Version != "" || first != (Column{Path: "sepal length", Role: RoleFeature, Kind: ColumnNumber}) ||
			last != (Column{Path: "pred", Role: RoleLabel, Kind: ColumnCategory}) {
			t.Errorf("%s: got %+v", file, s)
		}
	}
}

// FuzzSchemaErrorsCarryNothingOfTheLine knows every message there is.
func FuzzSchemaErrorsCarryNothingOfTheLine(f *testing.F) {
	for _, line := range []string{`{"columns": "secret"`, `{"columns": [{"name": "secret", "role": 7}]}`, `{"columns": [{"name": "", "role": "secret"}]}`, `{"meta_data": {"bento_name": "secret"}}`,
		`{"meta_data": {}, "columns": [{"name": "a", "role": "feature", "type": "numerical"}]}`, `{"bento_meta": {"schema": {"a": {"name": "a", "role": "prediction", "type": "numerical"}}}}`} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		s, err := ParseBentoMLSchema(line)
		switch {
		case err == nil:
			if len(s.Columns) == 0 {
				t.Error("no columns and no error")
			}
		case err != errSchemaJSON && err != errSchemaEmpty && err != errSchemaName:
			t.Errorf("an error that is not one of ours: %v", err)
		}
	})
}
