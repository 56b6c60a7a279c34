-- What wrk sends: a usage of credits by the account of each line of a file in turn. The last line that
-- is printed is for tests/bench/bench.

local requests = {}
local at = 0

function init(args)
	for account in io.lines(args[1]) do
		requests[#requests + 1] = wrk.format("POST",
			wrk.path .. "/credit-accounts/" .. account .. "/transactions", nil,
			'{"type":"usage","amount":0.0001}')
	end
end

function request()
	at = at % #requests + 1
	return requests[at]
end

function done(summary, latency)
	local errors = summary.errors
	print(string.format("result %d %d %d %d %d %d", summary.requests, summary.duration,
		errors.status, errors.connect + errors.read + errors.write + errors.timeout,
		latency:percentile(50), latency:percentile(99)))
end
