# P8: what flush needs for so many clients that each have counted an open day, against the statement
# that writes the same rows.

# Each is the same as one that flush itself has counted: its row, its record, its keys in Redis.
prepare_client_days() {
	local one copy
	prepare_server_database days
	sql -f "$bench/days_one.sql"
	tally flush >>"$log/days.log"
	one=$(client_id days)
	sql -v "count=$((client_days - 1))" -f "$bench/days_copy.sql"
	# shellcheck disable=SC2016
	copy='for _, key in ipairs(redis.call("KEYS", "tally:{" .. ARGV[1] .. "}:*")) do
		for i = 2, #ARGV do
			redis.call("COPY", key, (string.gsub(key, "{[^}]*}", "{" .. ARGV[i] .. "}")))
		end
	end'
	sql -A -t -c "SELECT client_id FROM counter_states WHERE client_id <> '$one'" |
		xargs -n 2000 redis-cli -s "$sockets/tally/redis.sock" EVAL "$copy" 0 "$one" \
			>"$log/days.redis"
}

# Leaves its peak in $peak, in MiB. The last look is at most a few milliseconds before the end.
flush_days() {
	local pid seen
	"$build/tally" -c "$conf" flush >"$log/flush.log" 2>&1 &
	pid=$!
	while seen=$(rss $pid VmHWM 2>/dev/null) && [ -n "$seen" ]; do
		peak=$seen
		read -r -t 0.02 <> <(:) || true
	done
	wait $pid || fail "tally flush failed" "$log/flush.log"
}

expect_days() {
	local n
	n=$(sql -A -t -c "SELECT count(*) FROM daily_costs")
	[ "$n" -eq "$client_days" ] || fail "$1 wrote $n days of $client_days"
}

measure_flush() {
	local database=days conf=$run/days.conf round began start peak=0
	step "Flushing $client_days days of clients"
	prepare_client_days
	began=$SECONDS
	for ((round = 1; round <= rounds && SECONDS - began < flush_seconds; round++)); do
		sql -c 'TRUNCATE daily_costs' -c 'VACUUM ANALYZE'
		start=${EPOCHREALTIME/./}
		flush_days
		note P8 figure "$(awk "BEGIN { print $(milliseconds_since "$start") / 1000 }")"
		note P8.memory figure "$peak"
		expect_days "tally flush"
		sql -f "$bench/days_insert.sql" >"$log/days.time"
		awk '/^Time:/ { ms = $2 } END { print "P8 limit", ms / 1000 }' "$log/days.time" >>"$measured"
		expect_days "the statement"
	done
}
