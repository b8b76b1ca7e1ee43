-- Usage: wrk -s post.lua URL -- CONTENT_TYPE FILE...
-- Posts the files in turn, and prints the results as one line of JSON.
local requests, at = {}, 0

function init(arguments)
   wrk.method = "POST"
   wrk.headers["Content-Type"] = arguments[1]
   for i = 2, #arguments do
      local file = assert(io.open(arguments[i], "rb"))
      requests[i - 1] = wrk.format(nil, nil, nil, file:read("*a"))
      file:close()
   end
end

function request()
   at = at % #requests + 1
   return requests[at]
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '{"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "refused": %d, "broken": %d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
      latency:percentile(99) / 1e3, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout))
end
