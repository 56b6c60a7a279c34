# Loads of tests/bench/bench, and what they cost.

# spent_by PID: CPU ticks and context switches of a process and its children, ticks of those that
# ended too; and their memory in kB, of which each shared page is divided among those that map it.
spent_by() {
	local pid pids
	pids="$1 $(cat "/proc/$1"/task/*/children)"
	for pid in $pids; do
		cat "/proc/$pid/stat" "/proc/$pid"/task/*/status "/proc/$pid/smaps_rollup" 2>/dev/null ||
			true
	done | awk '
		/^[0-9]+ \(/ { sub(/.*\) /, ""); ticks += $12 + $13 + $14 + $15 }
		/ctxt_switches/ { switches += $2 }
		/^Pss:/ { memory += $2 }
		END { print ticks + 0, switches + 0, memory + 0 }'
}

# Of the tallyds that run, $server is the one that has the load, else the first.
snapshot() {
	local name pid
	for name in nginx postgres redis; do
		echo "$name $(spent_by "$("${name}_pid")")"
	done
	echo "tallyd $(spent_by "${server:-$(tallyd_pid)}")"
	for name in empty webdis; do
		pid=${!name}
		[ -z "$pid" ] || echo "$name $(spent_by "$pid")"
	done
}

# note ROW SIDE VALUE
note() {
	echo "$@" >>"$measured"
}

# load CLIENTS SECONDS URL WRK-ARGUMENT..., by $script with the key of $client: leaves in $result
# requests, microseconds, answers above 399, failed connections, p50 and p99 in microseconds.
load() {
	local clients=$1 time=$2 to=$3 key
	shift 3
	read -r key <"$run/keys/${client:-bench}"
	wrk -t $((clients < 2 ? 1 : 2)) -c "$clients" -d "$time" --timeout 10 -H "$key" \
		-s "$bench/${script:-load}.lua" "$to" "$@" >"$log/wrk.log" 2>&1 ||
		fail "wrk failed" "$log/wrk.log"
	read -ra result < <(sed -n 's/^result //p' "$log/wrk.log")
	[ "${result[0]:-0}" -gt 0 ] || fail "nothing was answered" "$log/wrk.log"
}

# post CLIENTS SECONDS URL
post() {
	load "$1" "$2" "$3/v1/chat-logs" -H "Content-Type: application/json" -- "$run/records"
}

# A limit that fails requests is none, but a figure that does is one of its own.
expect_no_error() {
	[ $((result[2] + result[3])) -eq 0 ] ||
		fail "$1: ${result[2]} bad answers, ${result[3]} failed connections" "$log/wrk.log"
}

note_errors() {
	note errors figure $((result[2] + result[3]))
}

# measure ROW SIDE COMMAND...: a load between two looks at what the processes have spent.
measure() {
	local row=$1 side=$2
	shift 2
	snapshot >"$run/before"
	"$@"
	snapshot >"$run/after"
	awk -v row="$row" -v side="$side" -v requests="${result[0]}" '
		NR == FNR { ticks[$1] = $2; switches[$1] = $3; next }
		{ print row, side, $1, ($2 - ticks[$1]) * 10 / requests * 1000,
			($3 > switches[$1] ? $3 - switches[$1] : 0) / requests, $4 / 1024 }' \
		"$run/before" "$run/after" >>"$spent"
}

# rate ROW SIDE COMMAND...: the same, of which the requests a second are noted.
rate() {
	measure "$@"
	rate=$(awk "BEGIN { print ${result[0]} / ${result[1]} * 1000000 }")
	note "$1" "$2" "$rate"
}

# One client sends a file so many times on one connection, NDJSON of $record_chunk lines; leaves in
# $result what load() does, for records.
post_batches() {
	local n urls=()
	for ((n = 0; n < chunks; n++)); do
		urls+=("${url:?}/v1/chat-logs")
	done
	curl -sS -m 60 -H "@$run/keys/${client:-bench}" -H 'Content-Type: application/x-ndjson' \
		--data-binary "@$run/records" -w '\ntime %{time_total}\n' "${urls[@]}" \
		>"$log/batches.log" 2>&1 || fail "nginx did not take the records" "$log/batches.log"
	n=$(grep -c "\"accepted\": *$record_chunk," "$log/batches.log") ||
		fail "tallyd took none of the records" "$log/batches.log"
	result=("$((n * record_chunk))" "$(awk '$1 == "time" { n += $2 } END { printf "%d", n * 1000000 }' \
		"$log/batches.log")" $((chunks - n)) 0)
}

# rss PID FIELD: MiB
rss() {
	awk -v field="$2:" '$1 == field { print $2 / 1024 }' "/proc/$1/status"
}

milliseconds_since() {
	awk "BEGIN { print (${EPOCHREALTIME/./} - $1) / 1000 }"
}
