package parse

import "testing"

// ownLines are lines in each preset's form, made up here, for those who have no shared samples.
var ownLines = map[string][]string{
	"bentoml": {`{"age": 41, "city": "Bern", "risk": "0.25", "pred": "low", "timestamp": "2026-11-23T00:41:04.157913", "request_id": "17", "trace_id": "0"}`,
		`{"age": NaN, "city": null, "risk": Infinity, "pred": "high", "timestamp": "2026-11-23T00:41:05", "request_id": "18"}`,
		`{"meta_data": {"bento_name": "b"}, "columns": [{"name": "age", "role": "feature", "type": "numerical"}]}`},
	"mlserver": {`{"time": "2026-11-23 00:41:04,157", "name": "mlserver", "level": "INFO", "message": "said "hi"", "model_name": "m", "model_version": "v2"}`,
		`2026-11-23 00:41:05,000 [mlserver][m:v2] ERROR - failed`, `INFO:     ready`},
	"ray-serve": {`{"levelname": "INFO", "asctime": "2026-11-23 00:41:04,157", "deployment": "d_Model", "replica": "a1", "request_id": "r", "route": "/p", "application": "d", "message": "replica.py:1 - __CALL__ OK 12.5ms"}`,
		`INFO 2026-11-23 00:41:05,000 d_Model a1 r /p replica.py:1 - __CALL__ ERROR 3ms`, `INFO 2026-11-23 00:41:06,000 d_Model a1 replica.py:9 - started`},
	"rspamd": {`2026-11-23 00:41:04 #7(normal) <83be9e>; task; rspamd_task_write_log: id: <x@y>, ip: 10.0.0.1, from: <a@b>, (default: T (reject): [15.50/15.00] [BAYES_SPAM(5.10){100.00%;},SUBJ(2.40){a,b;}]), len: 4879, time: 13.321ms, dns req: 3, digest: <d>`,
		`2026-11-23 00:41:05 #7(normal) <83be9e>; task; rspamd_task_write_log: (no action): [1.5/15.0] [R_SPF_ALLOW(-1.0)], len: 12, time: 5.20ms`, `2026-11-23 00:41:05 #7(normal) <83be9e>; task; rspamd_task_process: started`},
	"sagemaker": {`{"captureData":{"endpointInput":{"data":"1,2.5,x","encoding":"CSV"},"endpointOutput":{"data":"0.75","encoding":"CSV"}},"eventMetadata":{"eventId":"e","inferenceTime":"2026-11-23T00:41:04Z"},"eventVersion":"0"}`,
		`{"captureData":{"endpointInput":{"data":"{\"a\":7}","encoding":"JSON"},"endpointOutput":{"data":"MC41","encoding":"BASE64"}},"eventMetadata":{"inferenceTime":"2026-11-23T00:41:05Z"}}`},
	"spamassassin": {`Mon Nov 23 00:41:04 2026 [77] info: spamd: identified spam (15.2/5.0) for u:1 in 0.2 seconds, 5823 bytes.`,
		`Mon Nov 23 00:41:04 2026 [77] info: spamd: result: Y 15 - BAYES_60,TEST scantime=0.2,size=5823,user=u,uid=1,required_score=5.0,rhost=h,mid=<m>,bayes=0.75,autolearn=no autolearn_force=no`},
	"torchserve": {`2026-11-23T00:41:04,157 [INFO ] W-1 MODEL_METRICS - PredictionTime.ms:12.5|#ModelName:net,Level:Model|#hostname:h,requestID:r,timestamp:1`,
		`2026-11-23T00:41:05,000 [INFO ] W-1 ACCESS_LOG - /10.0.0.1:4000 "POST /predictions/net/2.0 HTTP/1.1" 503 118`, `2026-11-23T00:41:05,000 [INFO ] W-1 loading`},
	"triton-trace": {`[{"id":1,"model_name":"net","model_version":2},{"id":1,"activity":"TENSOR_QUEUE_INPUT","tensor":{"name":"x","data":"1.5,2","shape":"1,2","dtype":"FP32"}},{"id":1,"activity":"TENSOR_BACKEND_OUTPUT","tensor":{"name":"y","data":"0.25","shape":"1,1","dtype":"FP32"}}]`},
	"vllm": {`(APIServer pid=1) INFO 11-23 00:41:04 [loggers.py:1] Engine 003: Avg prompt throughput: 10.5 tokens/s, Avg generation throughput: 4.0 tokens/s, Running: 2 reqs, Waiting: 1 reqs, GPU KV cache usage: 50.0%, Prefix cache hit rate: 25.0%`,
		`INFO 11-23 00:41:05 [logger.py:1] Received request r: prompt: 'nobody reads this', params: x`},
}

// ownWant is what each of them gives when every field of the preset is asked for.
var ownWant = map[string][]string{
	"bentoml": {`complete 2026-11-23T00:41:04.157913 age=number 41 city=string "Bern" pred=string "low" request_id=string "17" risk=number 0.25 timestamp=number 1.795394464157913e+09 trace_id=string "0"`,
		`complete 2026-11-23T00:41:05 age=nan city=null pred=string "high" request_id=string "18" risk=posinf timestamp=number 1.795394465e+09`, "ignored"},
	"mlserver": {"ignored", "ignored", "ignored"}, // message.* asks for messages that are JSON
	"ray-serve": {`complete 2026-11-23T00:41:04.157 application=string "d" deployment=string "d_Model" latency_ms=number 12.5 method=string "__CALL__" route=string "/p" status=string "OK"`,
		`complete 2026-11-23T00:41:05 deployment=string "d_Model" latency_ms=number 3 method=string "__CALL__" route=string "/p" status=string "ERROR"`, "ignored"},
	"rspamd": {`complete 2026-11-23T00:41:04 action=string "reject" bayes=number 1 dns_requests=number 3 len=number 4879 required=number 15 score=number 15.5 settings=string "default" symbol.BAYES_SPAM=number 5.1 symbol.SUBJ=number 2.4 symbols=number 2 time_ms=number 13.321 verdict=string "T"`,
		`complete 2026-11-23T00:41:05 action=string "no action" len=number 12 required=number 15 score=number 1.5 symbol.R_SPF_ALLOW=number -1 symbols=number 1 time_ms=number 5.2`, "ignored"},
	"sagemaker": {`complete 2026-11-23T00:41:04 event_id=string "e" input.0=number 1 input.1=number 2.5 input.2=string "x" output.0=number 0.75`,
		`complete 2026-11-23T00:41:05 input.a=number 7 output.0=number 0.5`},
	"spamassassin": {"pending", `complete 2026-11-23T00:41:04 autolearn=string "no" bayes=number 0.75 required_score=number 5 scantime=number 0.2 score=number 15.2 score_int=number 15 size=number 5823 test.BAYES_60=number 1 test.TEST=number 1 tests=number 2 verdict=string "Y"`},
	"torchserve": {`complete 2026-11-23T00:41:04.157 metric.PredictionTime=number 12.5 model=string "net"`,
		`complete 2026-11-23T00:41:05 kind=string "predictions" latency_ms=number 118 method=string "POST" model=string "net" status=string "503" version=string "2.0"`, "ignored"},
	"triton-trace": {`complete input.x.0=number 1.5 input.x.1=number 2 model=string "net" output.y.0=number 0.25 version=string "2"`},
	"vllm":         {`complete 2026-11-23T00:41:04 engine=string "003" generation_throughput=number 4 kv_cache_usage=number 0.5 prefix_cache_hit_rate=number 0.25 prompt_throughput=number 10.5 running=number 2 waiting=number 1`, "ignored"},
}

func TestEveryPresetReadsItsOwnLines(t *testing.T) {
	for format := range presetColumns {
		p := everyPlan(t)[format]
		got := readAll(t, p, bytesOf(ownLines[format]))
		if len(ownLines[format]) == 0 {
			t.Errorf("%s has no lines of its own", format)
		}
		for i, want := range ownWant[format] {
			if i >= len(got) || got[i] != want {
				t.Errorf("%s, line %d: got\n%v\nwant\n%v", format, i, got, want)
				break
			}
		}
		if len(got) != len(ownWant[format]) {
			t.Errorf("%s: %d results, want %d", format, len(got), len(ownWant[format]))
		}
	}
}
