-- For wrk: a webhook with an id of its own each time, and the figures as one line of JSON.
local threads = 0
function setup(thread)
   threads = threads + 1
   thread:set("number", threads)
end

function init(arguments)
   run, sent = arguments[1], 0
   wrk.method = "POST"
   wrk.headers["Content-Type"] = "application/json"
   wrk.headers["Authorization"] = "Bearer bench"
end

function request()
   sent = sent + 1
   return wrk.format(nil, nil, nil, string.format(
      '{"thread":"5511%07d","id":"%s-%d-%d","from":"Ana Teste","kind":"text",' ..
      '"text":"Oi, tudo bem? Quanto custa o banho e tosa?"}',
      sent % 20000, run, number, sent))
end

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      '{"requests":%d,"seconds":%f,"p50_ms":%f,"p99_ms":%f,"max_ms":%f,"wrong":%d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
      latency.max / 1e3, errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
