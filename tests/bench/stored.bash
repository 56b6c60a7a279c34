# The rows of tests/bench/bench that depend on what is stored: P5, P7 and P9. Two tallyds, each with
# a database of its own in the same PostgreSQL: small has a hundredth of what large has.

days_stored=30

day_before() {
	date -u -d "$day - $1 days" +%F
}

# start_store NAME: a tallyd with what records are made of.
start_store() {
	local database=$1 conf=$run/$1.conf url=url_$1
	url=${!url}
	prepare_server_database "$1"
	start_server "$1" tallyd
	tally partitions --from "$(day_before $((days_stored - 1)))" --to "$day" >>"$log/partitions.log"
	make_key "$1"
	client=$1 chunks=1 post_batches
	sql -f "$bench/records.sql"
}

# fill_span TABLE SINCE UNTIL COUNT SEED [PSQL-ARGUMENT...]
fill_span() {
	sql -v "table=$1" -v "since=$2" -v "until=$3" -v "count=$4" -v "seed=$5" \
		-v "templates=$record_chunk" -f "$bench/records_span.sql" "${@:6}"
}

# fill_day DATABASE DAY COUNT SEED
fill_day() {
	local database=$1
	fill_span "chat_logs_${2//-/}" "$2" "$(date -u -d "$2 + 1 day" +%F)" "$3" "$4"
}

# fill_some DATABASE RECORDS SEED FIRST: of two processes, the one that begins with this day.
fill_some() {
	local n
	for ((n = $4; n < days_stored; n += 2)); do
		fill_day "$1" "$(day_before $n)" $(($2 / days_stored)) "$3.$n"
	done
}

# fill DATABASE RECORDS SEED: over the days, the last of them today. Autovacuum would come to it.
fill() {
	local database=$1 other
	fill_some "$@" 1 &
	other=$!
	fill_some "$@" 0
	wait $other || fail "the records were not made"
	sql -c 'VACUUM ANALYZE'
}

# keep_today DATABASE, renew_today DATABASE: what the loads have stored today is taken away again.
keep_today() {
	local database=$1
	sql -c "CREATE TABLE bench.today AS SELECT * FROM chat_logs_${day//-/}"
}

renew_today() {
	local database=$1 today=chat_logs_${day//-/}
	sql -c "TRUNCATE $today" -c "INSERT INTO $today SELECT * FROM bench.today" -c "VACUUM ANALYZE $today"
}

# at NAME COMMAND...: with its key, its tallyd and its address in $url.
at() {
	local client=$1 pid=pid_$1 url=url_$1 database=$1 conf=$run/$1.conf
	local server=${!pid}
	url=${!url}
	shift
	"$@"
}

rate_today() {
	rate P5.P1 "$1" load 32 "$seconds" "$url/v1/daily-costs/today"
}

rate_posts() {
	rate P5.P2 "$1" post 64 "$seconds" "$url"
}

warm() {
	post 64 1 "$url"
}

measure_both() {
	renew_today small
	at large rate_today figure
	note_errors
	at small rate_today limit
	expect_no_error "the limit of P5.P1"
	at large rate_posts figure
	note_errors
	at small rate_posts limit
	expect_no_error "the limit of P5.P2"
}

# Leaves the address in $usage; false: there is no such route.
find_usage() {
	local status
	# Of the 30 days that end now, where nothing else is asked for.
	usage=$url/v1/analytics/usage?group_by=model
	status=$(curl -sS -o "$log/usage.json" -w '%{http_code}' -H "@$run/keys/$client" "$usage")
	[ "$status" != 404 ] || return 1
	[ "$status" = 200 ] || fail "GET $usage gave $status" "$log/usage.json"
}

# expect_calls RECORDS: the last answer has at least this client's share of them.
expect_calls() {
	local calls
	calls=$(grep -o '"calls": *[0-9]*' "$log/usage.json" | awk -F : '{ n += $2 } END { print n + 0 }')
	[ "$calls" -ge $(($1 / 20 * 11)) ] || fail "the answer has $calls calls of $1 records" "$log/usage.json"
}

# measure_usage ROW RECORDS: what the loads before it have stored is rolled up, as the timer would.
measure_usage() {
	local usage
	find_usage || return 0
	tally rollup >>"$log/rollup.log"
	expect_calls "$2"
	load 4 1 "$usage"
	rate "$1.rate" requests load 4 "$seconds" "$usage"
	note_errors
	note "$1" figure "$(awk "BEGIN { print ${result[5]} / 1000 }")"
}

can_roll_up() {
	"$build/tally" help | grep -qw rollup
}

# roll_up SIDE: the days of the log that analytics reads; nothing where there is no such job.
roll_up() {
	local began=${EPOCHREALTIME/./}
	can_roll_up || return 0
	tally rollup >>"$log/rollup.log"
	note P7.rollup "$1" "$(awk "BEGIN { print $(milliseconds_since "$began") / 1000 }")"
}

# purge_day DAYS: keeps so many days of the log, and drops those before.
purge_day() {
	sed "/^log_retention_days/d; \$a log_retention_days = $1" "$run/large.conf" >"$run/purge.conf"
	conf=$run/purge.conf tally purge >>"$log/purge.log"
}

partitions_left() {
	sql -A -t -c "SELECT count(*) FROM pg_inherits WHERE inhparent = 'chat_logs'::regclass"
}

# What the log has and daily_costs lacks is set right, which is no success.
sum_days() {
	"$build/tally" -c "$conf" reconcile --full >>"$log/reconcile.log" 2>&1 || true
}

# As by the nightly timer: then it is found equal.
reconcile_days() {
	sum_days
	tally reconcile --full >>"$log/reconcile.log"
}

# Every night one day is closed and the one before it, closed the night before, is dropped.
measure_purge() {
	local round before began loading kept=$((days_stored - 3)) time=$((seconds < 2 ? 1 : 2))
	reconcile_days
	purge_day $kept
	for ((round = 1; round <= rounds; round++)); do
		post 64 $time "$url"
		note P9.p99 limit "$(awk "BEGIN { print ${result[5]} / 1000 }")"
		expect_no_error "the limit of P9.p99"
		before=$(partitions_left)
		(post 64 $time "$url" && echo "${result[*]}" >"$run/purge.load") &
		loading=$!
		began=${EPOCHREALTIME/./}
		purge_day $((kept - round))
		note P9 figure "$(awk "BEGIN { print $(milliseconds_since "$began") / 1000 }")"
		wait $loading || fail "the load on the purge failed" "$log/wrk.log"
		read -ra result <"$run/purge.load"
		note P9.p99 figure "$(awk "BEGIN { print ${result[5]} / 1000 }")"
		note_errors
		[ "$(partitions_left)" -eq $((before - 1)) ] || fail "no day was purged" "$log/purge.log"
	done
}

# A day of its own before the others holds as many records as all of them.
measure_purge_of_all() {
	local date began
	date=$(day_before $((days_stored + 5)))
	tally partitions --from "$date" --to "$date" >>"$log/partitions.log"
	fill_day large "$date" $((records / 2)) 'all 1' &
	fill_day large "$date" $((records - records / 2)) 'all 2'
	wait $! || fail "the records were not made"
	sql -c "VACUUM ANALYZE chat_logs_${date//-/}"
	reconcile_days
	purge_day $((days_stored + 3))
	began=${EPOCHREALTIME/./}
	purge_day $((days_stored + 2))
	note P9.day figure "$(awk "BEGIN { print $(milliseconds_since "$began") / 1000 }")"
	! sql -c "SELECT FROM chat_logs_${date//-/} LIMIT 1" 2>/dev/null ||
		fail "the day was not purged" "$log/purge.log"
}

calls_rolled_up() {
	sql -A -t -c "SELECT sum(calls) FROM cost_aggregates WHERE dimension = 'provider' AND grain = 'hour'"
}

# As the write path leaves them: batches tell that they are new. Where it is before six, some are yesterday's.
store_new() {
	fill_span chat_logs "$(date -u -d '6 hours ago' +%FT%TZ)" "$(date -u +%FT%TZ)" "$1" new \
		-1 -f "$bench/batches.sql"
	sql -c "VACUUM ANALYZE chat_logs_${day//-/}" -c 'VACUUM ANALYZE ingest_batches'
}

# What the loads have stored is rolled up before.
measure_new() {
	local before began new=$((records < 1000000 ? 100000 : records / 10))
	can_roll_up || return 0
	step "Rolling up $new new records"
	tally rollup >>"$log/rollup.log"
	before=$(calls_rolled_up)
	store_new $new
	began=${EPOCHREALTIME/./}
	tally rollup >>"$log/rollup.log"
	note P7.more figure "$(awk "BEGIN { print $(milliseconds_since "$began") * 1000 / $new }")"
	[ "$(calls_rolled_up)" -eq $((before + new)) ] ||
		fail "the new records were not rolled up" "$log/rollup.log"
}

measure_stored() {
	local round began=$SECONDS
	step "Storing $records records"
	start_store small
	fill small $((records / 100)) 1
	start_store large
	fill large "$records" 1
	keep_today small
	step "They were made in $((SECONDS - began)) s"
	at small roll_up limit
	at large roll_up figure
	# Autovacuum would come to these, too.
	# What clients cost is asked of daily_costs.
	at small sum_days
	at large sum_days
	at small sql -c 'VACUUM ANALYZE'
	at large sql -c 'VACUUM ANALYZE'
	at large make_key operator
	at small warm
	at large warm
	for ((round = 1; round <= rounds; round++)); do
		step "Round $round of $rounds with the records"
		measure_both
		at large measure_usage P7 "$records"
		at large measure_queries
		at small measure_usage P7.small $((records / 100))
		at large measure_cold
		at small restart small
		at small warm
		at large warm
	done
	at large measure_purge
	at large measure_purge_of_all
	at large measure_new
	stop_server large
	stop_server small
}
