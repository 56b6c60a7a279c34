-- What wrk sends: an authorization, and for each that was answered the record that settles it. The
-- last line that is printed is for tests/bench/bench.

local held = {}
local authorize, before, behind

function init()
	local id = string.rep("0", 36)
	authorize = wrk.format("POST", wrk.path .. "/authorizations", nil,
		'{"external_user_id":"ada","feature":"chat","max_cost_cents":0.5}')
	local record = wrk.format("POST", wrk.path .. "/chat-logs", nil,
		'{"authorization_id":"' .. id .. '","external_user_id":"ada","feature":"chat",' ..
		'"input_tokens":1200,"output_tokens":350,"verified_cost_cents":0.4}')
	local first, last = string.find(record, id, 1, true)
	before, behind = string.sub(record, 1, first - 1), string.sub(record, last + 1)
end

function request()
	local id = table.remove(held)

	return id and before .. id .. behind or authorize
end

function response(status, headers, body)
	if status == 201 and string.find(body, '"held_cents"', 1, true) then
		held[#held + 1] = string.match(body, '"id": *"([^"]+)"')
	end
end

function done(summary, latency)
	local errors = summary.errors
	print(string.format("result %d %d %d %d %d %d", summary.requests, summary.duration,
		errors.status, errors.connect + errors.read + errors.write + errors.timeout,
		latency:percentile(50), latency:percentile(99)))
end
