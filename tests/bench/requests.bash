# The rows of tests/bench/bench about requests: P1 to P4, P6, P10 to P12.

measure_today() {
	local path=/v1/daily-costs/today hash
	rate P1 figure load 32 "$seconds" "$url$path"
	note_errors
	note P1w figure "$rate"
	rate P1 limit load 32 "$seconds" "$url_empty$path"
	expect_no_error "the limit of P1"
	[ -n "$webdis" ] || return 0
	hash=$(sql -A -t -c "SELECT 'tally:{' || s.client_id || '}:' || s.epoch || ':d:' || s.day
		FROM counter_states AS s JOIN clients AS c ON c.id = s.client_id AND c.name = 'bench'")
	hash=$(sed 's/{/%7B/g; s/}/%7D/g' <<<"$hash")
	hash=http://127.0.0.1:$webdis_port/HGETALL/$hash
	curl -sS "$hash" >"$log/webdis.hash" && grep -q '"1":"[0-9]' "$log/webdis.hash" ||
		fail "webdis does not answer with the day's counters" "$log/webdis.hash"
	rate P1w limit load 32 "$seconds" "$hash"
	expect_no_error webdis
}

measure_posts() {
	local clients
	for clients in 64 256; do
		rate P2.$clients figure post $clients "$seconds" "$url"
		note_errors
		rate P2.$clients limit post $clients "$seconds" "$url_empty"
		expect_no_error "the limit of P2.$clients"
	done
	rate P2.1 requests post 1 "$seconds" "$url"
	note_errors
	note P2.1 figure "$(awk "BEGIN { print ${result[4]} / 1000 }")"
}

add_budgets() {
	add_client budgets
	make_key budgets
	tally budget set --client budgets --name all --window day --limit-cents 100000000 \
		--json >"$log/budget.log"
	tally budget set --client budgets --name users --window month --each user_id \
		--limit-cents 100000000 --json >>"$log/budget.log"
}

# Every other request is an authorization, the next is the record that settles it.
measure_authorizations() {
	client=budgets script=authorize rate P3 figure load 64 "$seconds" "$url/v1" \
		-H "Content-Type: application/json"
	note_errors
	rate P3 limit post 64 "$seconds" "$url_empty"
	expect_no_error "the limit of P3"
}

# bare serves the same database and client as tallyd.
start_bare() {
	sed "/^listen = /d; \$a listen = unix:$sockets/tally/bare.sock" "$run/tally.conf" \
		>"$run/bare.conf"
	BARE_CLIENT=$(client_id bench)
	export BARE_CLIENT
	start_server bare tests/bench/bare
}

# row_security DISABLE|ENABLE
row_security() {
	sql -A -t -c "SELECT format('ALTER TABLE %s $1 ROW LEVEL SECURITY;', c.oid::regclass)
		FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid GROUP BY c.oid" \
		>"$run/security.sql"
	[ -s "$run/security.sql" ] || fail "no table has a policy"
	sql -f "$run/security.sql"
}

# The same table, rows and client, with and without.
measure_access() {
	rate P12 figure post 64 "$seconds" "$url"
	note_errors
	row_security DISABLE
	# Of start_server and choose_ports.
	# shellcheck disable=SC2154
	server=$pid_bare rate P12 limit post 64 "$seconds" "$url_bare"
	row_security ENABLE
	expect_no_error "the limit of P12"
}

measure_crowd() {
	local pid
	pid=$(tallyd_pid)
	# Its peak is from here on.
	echo 5 >"/proc/$pid/clear_refs"
	rate P6 figure post 2000 "$seconds" "$url"
	note P6.errors figure $((result[2] + result[3]))
	note P6.spread figure "$(awk "BEGIN { print ${result[5]} / ${result[4]} }")"
	note P10.crowd figure "$(rss "$pid" VmHWM)"
	rate P6 limit post 2000 "$seconds" "$url_empty"
	expect_no_error "the limit of P6"
}

# The rows that tallyd has just stored, under new ids in the same milliseconds, by psql as it is
# told: as many in a transaction as in a request.
measure_copy() {
	local n columns rows=$((chunks * record_chunk))
	columns=$(sql -A -t -c "SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute
		WHERE attrelid = 'chat_logs'::regclass AND attnum > 2 AND NOT attisdropped")
	mkdir -p "$run/copy"
	sql -c "\\copy (SELECT client_id, overlay(id::text PLACING substr(md5(random()::text), 1, 12) FROM 25)::uuid, $columns FROM chat_logs ORDER BY id DESC LIMIT $rows) TO '$run/copy.rows'"
	[ "$(wc -l <"$run/copy.rows")" -eq $rows ] || fail "fewer than $rows rows to copy"
	rm -f "$run"/copy/*
	split -l $record_chunk "$run/copy.rows" "$run/copy/"
	printf '\\timing on\n' >"$run/copy.sql"
	for n in "$run"/copy/*; do
		echo "\\copy chat_logs (client_id, id, $columns) FROM '$n'"
	done >>"$run/copy.sql"
	sql -f "$run/copy.sql" >"$log/copy.log"
	awk -v rows=$rows '/^Time:/ { ms += $2 } END { print "P4 limit", rows / ms * 1000 }' \
		"$log/copy.log" >>"$measured"
}

measure_batches() {
	rate P4 figure post_batches
	note_errors
	measure_copy
}

stored() {
	sql -A -t -c "SELECT count(*) FROM chat_logs"
}

stores_more_than() {
	[ "$(stored)" -gt "$1" ]
}

ready() {
	curl -sf -o /dev/null "$url/readyz"
}

# nginx's connection waits in the socket's backlog until tallyd takes it: nothing polls.
begin_tallyd() {
	local began=${EPOCHREALTIME/./}
	start_on_socket
	until ready; do
		[ $((${EPOCHREALTIME/./} - began)) -lt 30000000 ] ||
			fail "tallyd is not ready" "$log/tallyd.log"
	done
	note P11.start figure "$(milliseconds_since "$began")"
}

end_tallyd() {
	local began=${EPOCHREALTIME/./} status=0
	kill -TERM "$tallyd"
	wait "$tallyd" || status=$?
	note "${1:-idle}" figure "$(milliseconds_since "$began")"
	[ $status -eq 0 ] || fail "tallyd ended with the status $status" "$log/tallyd.log"
}

measure_start() {
	end_tallyd
	begin_tallyd
	note P10.rest figure "$(rss "$tallyd" VmRSS)"
}

# tallyd is replaced under load. Lost: a request that was answered badly or not at all, and a record
# that was acknowledged and is not in the log.
measure_stop() {
	local before after loading lost
	before=$(stored)
	(post 64 $((seconds + 1)) "$url" && echo "${result[*]}" >"$run/restart") &
	loading=$!
	await 30 stores_more_than "$before" || fail "the load on the restart did not begin"
	end_tallyd P11.stop
	begin_tallyd
	wait $loading || fail "the load on the restart failed" "$log/wrk.log"
	read -ra result <"$run/restart"
	after=$(stored)
	lost=$((result[0] - result[2] - (after - before)))
	note P11.lost figure $((result[2] + result[3] + (lost > 0 ? lost : 0)))
}

# What autovacuum would have done by itself on a service that has run for a while.
settle_plans() {
	sql -c ANALYZE
}

measure_requests() {
	local round
	add_budgets
	start_bare
	post 64 1 "$url"
	post 64 1 "$url_empty"
	post 64 1 "$url_bare"
	settle_plans
	for ((round = 1; round <= rounds; round++)); do
		step "Round $round of $rounds"
		measure_start
		measure_today
		measure_posts
		measure_access
		measure_authorizations
		measure_crowd
		measure_batches
		measure_stop
	done
	stop_server bare
}
