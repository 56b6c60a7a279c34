-- What wrk sends: GET without an argument, else POST of each line of that file in turn; with a second
-- file, with each of its lines as the key in turn. The last line that is printed is for
-- tests/bench/bench.

local bodies = {}
local at = 0

local function read(name)
	local lines = {}
	for line in io.lines(name) do
		lines[#lines + 1] = line
	end
	return lines
end

local function with_key(header)
	local headers = {}
	for name, value in pairs(wrk.headers) do
		headers[name] = value
	end
	headers["Authorization"] = string.match(header, ": (.*)")
	return headers
end

function init(args)
	local records = args[1] and read(args[1]) or { false }
	local keys = args[2] and read(args[2]) or {}
	for i = 1, math.max(#records, #keys) do
		local record = records[(i - 1) % #records + 1]
		local headers = #keys > 0 and with_key(keys[(i - 1) % #keys + 1]) or nil
		bodies[i] = wrk.format(record and "POST" or nil, nil, headers, record or nil)
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
