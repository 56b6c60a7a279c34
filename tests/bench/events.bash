# The rows of tests/bench/bench about events: P2 beside 1,000 listeners and without them.

listeners_count=1000

# begin_listeners QUERY
begin_listeners() {
	local header
	read -r header <"$run/keys/bench"
	coproc LISTENERS { "$bench/listeners" $listeners_count "${url##*:}" "/v1/events?$1" \
		"$header" 2>"$log/listeners.log"; }
	# shellcheck disable=SC2034
	listeners=$LISTENERS_PID
	read -r -t 60 -u "${LISTENERS[0]}" || fail "not all listen" "$log/listeners.log"
}

nobody_listens() {
	curl -sS "$url/metrics" | grep -q '^tally_event_listeners 0$'
}

end_listeners() {
	exec {LISTENERS[1]}>&-
	wait "$listeners" || fail "a listener was ended" "$log/listeners.log"
	await 30 nobody_listens || fail "listeners do not leave" "$log/tallyd.log"
}

# beside_listeners ROW QUERY: by turns, so that both have the same machine.
beside_listeners() {
	begin_listeners "$2"
	rate "$1" figure post 64 "$seconds" "$url"
	note_errors
	end_listeners
	rate "$1" limit post 64 "$seconds" "$url"
	note_errors
}

# Of a tallyd that has served nobody yet.
measure_listeners() {
	local before
	end_tallyd
	begin_tallyd
	before=$(rss "$tallyd" VmRSS)
	begin_listeners types=agent.progress
	note E1.memory figure "$(awk "BEGIN {
		print ($(rss "$tallyd" VmRSS) - $before) * 1024 / $listeners_count }")"
	end_listeners
}

measure_events() {
	local round
	post 64 1 "$url"
	settle_plans
	for ((round = 1; round <= rounds; round++)); do
		step "Listeners, round $round of $rounds"
		measure_listeners
		beside_listeners E1 types=budget.threshold,agent.progress
		beside_listeners E2 agent_session_id=0190b6f0-0000-7000-8000-0000000000aa
	done
}
