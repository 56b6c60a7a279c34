# Loads of tests/bench/beyond, and what they cost.

# CPU ticks of these processes and their children, those that ended too.
ticks_of() {
	local pid
	for pid; do
		cat "/proc/$pid/stat" $(sed 's,[0-9]\+,/proc/&/stat,g' "/proc/$pid/task/"*/children) 2>/dev/null ||
			true
	done | awk '{ sub(/.*\) /, ""); ticks += $12 + $13 + $14 + $15 } END { print ticks + 0 }'
}

# Each process and what it has spent; those of $tallyds are one, and so are those of $nodes.
snapshot() {
	local name pids
	echo nginx "$(ticks_of "$(nginx_pid)")"
	mapfile -t pids < <(for name in $tallyds; do pid_of "$run/$name.pid" tallyd; done)
	echo tallyd "$(ticks_of "${pids[@]}")"
	mapfile -t pids < <(postgres_pid; standby_pid)
	echo postgres "$(ticks_of "${pids[@]}")"
	# shellcheck disable=SC2086
	echo redis "$(ticks_of ${nodes:-$(redis_pid)})"
	echo commits "$(sql -A -t -c "SELECT xact_commit FROM pg_stat_database WHERE datname = 'tally'")"
}

# load CLIENT CONNECTIONS SECONDS SCRIPT URL WRK-ARGUMENT...: by the key of that client; says
# requests, microseconds, answers above 399, failed connections, p50 and p99 in microseconds.
load() {
	local client=$1 connections=$2 time=$3 script=$4 url=$5 key out
	shift 5
	read -r key <"$run/keys/$client"
	out=$log/wrk.$client.$BASHPID
	wrk -t $((connections < 2 ? 1 : 2)) -c "$connections" -d "$time" --timeout 10 -H "$key" \
		-H 'Content-Type: application/json' -s "$bench/$script.lua" "$url" "$@" >"$out" 2>&1 ||
		fail "wrk failed" "$out"
	sed -n 's/^result //p' "$out"
}

# post CLIENT CONNECTIONS SECONDS ADDRESS
post() {
	load "$1" "$2" "$3" load "$4/v1/chat-logs" -- "$run/records"
}

# hold CLIENT CONNECTIONS SECONDS ADDRESS: authorizations and the records that settle them.
hold() {
	load "$1" "$2" "$3" authorize "$4/v1"
}

# What autovacuum does within minutes. Not of the empty partitions of the days ahead: of these it would
# be known that a scan costs nothing, and lists are planned as if they had a row.
analyze_as_autovacuum() {
	sql -o "$log/analyze.log" <<-'END'
		SELECT format('ANALYZE %s', relid::regclass) FROM pg_stat_user_tables WHERE n_live_tup > 50
		\gexec
	END
}

# note ROW WHAT VALUE
note() {
	echo "$@" >>"$run/measured"
}

# note_result ROW FILE: the requests a second, how long they took, the bad answers.
note_result() {
	local result
	read -ra result <"$2"
	[ "${result[0]:-0}" -gt 0 ] || fail "$1: nothing was answered"
	note "$1" rate "$(awk "BEGIN { print ${result[0]} / ${result[1]} * 1000000 }")"
	note "$1" p50_ms "$(awk "BEGIN { print ${result[4]} / 1000 }")"
	note "$1" p99_ms "$(awk "BEGIN { print ${result[5]} / 1000 }")"
	note "$1" bad $((result[2] + result[3]))
}

# measure ROW COMMAND...: the same, and what a thousand requests cost each process.
measure() {
	local row=$1
	shift
	snapshot >"$run/before"
	"$@" >"$run/result"
	snapshot >"$run/after"
	note_result "$row" "$run/result"
	awk -v row="$row" -v n="$(cut -d ' ' -f 1 "$run/result")" '
		NR == FNR { was[$1] = $2; next }
		$1 == "commits" { print row, "per_commit", n / ($2 - was[$1] + 1); next }
		{ print row, "cpu_" $1, ($2 - was[$1]) * 10 / n * 1000 }' "$run/before" "$run/after" \
		>>"$run/measured"
}

# A line for each row, in the order of their names: the medians, of the rate also the lowest and
# highest, of the bad answers the most; CPU is milliseconds for a thousand requests.
report() {
	sort -s -k1,2 -k3n "$run/measured" | awk '
		function keep() { if (n) middle[row, what] = (v[int((n + 1) / 2)] + v[int(n / 2) + 1]) / 2
			if (n && what == "bad") middle[row, what] = v[n]
			if (n && what == "rate") range = sprintf("%.0f to %.0f", v[1], v[n]) }
		function cell(name) { printf " %8s", ((row, name) in middle) ? \
			sprintf("%.3g", middle[row, name]) : "-" }
		function say(i) { if (row == "") return
			printf "%-20s %6.0f %18s", row, middle[row, "rate"], range
			for (i = 1; i <= count; i++) cell(names[i])
			print ""; range = "" }
		BEGIN { count = split("p50_ms p99_ms bad cpu_nginx cpu_tallyd cpu_postgres cpu_redis" \
				" per_commit", names, " ")
			printf "%-20s %6s %18s", "", "rate", "lowest, highest"
			for (i = 1; i <= count; i++) { sub("cpu_", "", names[i]); printf " %8s", names[i] }
			print "" }
		{ sub("cpu_", "", $2) }
		$1 != row || $2 != what { keep(); n = 0 }
		$1 != row { say(); row = $1 }
		{ what = $2; v[++n] = $3 }
		END { keep(); say() }'
	printf 'load average %s, %d CPUs\n' "$(cut -d ' ' -f 1-3 /proc/loadavg)" "$(nproc)"
}
