-- What wrk sends: GET without an argument, else POST of each line of that file in turn. The last line
-- that is printed is for tests/bench/bench.

local bodies = {}
local at = 0

function init(args)
	if args[1] then
		for line in io.lines(args[1]) do
			bodies[#bodies + 1] = wrk.format("POST", nil, nil, line)
		end
	else
		bodies[1] = wrk.format()
	end
end

function request()
	at = at % #bodies + 1
	return bodies[at]
end

function done(summary, latency)
	local errors = summary.errors
	print(string.format("result %d %d %d %d %d %d", summary.requests, summary.duration,
		errors.status, errors.connect + errors.read + errors.write + errors.timeout,
		latency:percentile(50), latency:percentile(99)))
end
