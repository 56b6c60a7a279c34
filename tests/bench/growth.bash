# Growth: what a record costs and how long it takes, against one quantity at a time.

grown=$run/grown
sample_seconds=2

# sample SUBJECT AT CLIENTS URL [KEYS]: a load of records; its rate, p50 and p99 in ms, errors.
sample() {
	measure "$1" "$2" load "$3" $sample_seconds "$4/v1/chat-logs" \
		-H "Content-Type: application/json" -- "$run/records" "${@:5}"
	awk -v subject="$1 $2" -v result="${result[*]}" 'BEGIN {
		split(result, r, " ")
		print subject, r[1] / r[2] * 1000000, r[5] / 1000, r[6] / 1000, r[3] + r[4] }' >>"$grown"
}

grow_connections() {
	local n
	for n in 1 2 4 8 16 32 64 256 1000 2000; do
		sample connections $n $n "$url"
	done
}

# Keys of so many clients, one a line, as load.lua reads them.
add_tenants() {
	sql -A -t -v "count=$1" -f "$bench/tenants.sql" >"$run/keys/tenants.$1"
	[ "$(wc -l <"$run/keys/tenants.$1")" -eq "$1" ] || fail "there are not $1 keys"
}

# Until each has sent something: the first record of a client is not like those that follow.
warm_tenants() {
	local sent=0
	while [ $sent -lt $((2 * $1)) ]; do
		load 64 $sample_seconds "$url/v1/chat-logs" -H "Content-Type: application/json" -- \
			"$run/records" "$run/keys/tenants.$1"
		sent=$((sent + result[0]))
	done
}

grow_clients() {
	local n
	for n in 1 100 10000; do
		sample clients $n 64 "$url" "$run/keys/tenants.$n"
	done
}

# Half are for the whole client and half for each user, half are a day's and half a month's.
add_budgets_of() {
	local n kind
	add_client "budgets $1"
	make_key "budgets $1"
	for ((n = 0; n < $1; n++)); do
		kind=(--window "$([ $((n % 2)) -eq 0 ] && echo day || echo month)")
		[ $((n / 2 % 2)) -eq 0 ] || kind+=(--each user_id)
		tally budget set --client "budgets $1" --name "n$n" --limit-cents 100000000 \
			"${kind[@]}" --json >>"$log/budget.log"
	done
}

grow_budgets() {
	local n
	for n in 0 1 10 100; do
		client="budgets $n" sample budgets $n 64 "$url"
	done
}

# Cannot be taken back, so its rounds are one after the other.
grow_records() {
	local round total=0 n
	start_store large
	for ((n = records / 100; n <= records; n *= 10)); do
		step "Growing to $n records"
		fill large $((n - total)) $n
		total=$n
		at large warm
		for ((round = 1; round <= rounds; round++)); do
			# Of choose_ports and start_server.
			# shellcheck disable=SC2154
			client=large server=$pid_large sample records $n 64 "$url_large"
		done
	done
	stop_server large
}

draw() {
	local subject label
	while read -r subject label; do
		gnuplot -e "data='$run/growth.$subject'; label='$label'" "$bench/growth.gp" \
			>"$programs/growth-$subject.svg" 2>"$log/gnuplot.log" ||
			fail "gnuplot failed" "$log/gnuplot.log"
	done <<-'END'
		connections connections that post records
		clients clients that post records
		budgets budgets of the client
		records records stored
	END
}

measure_growth() {
	local n round
	: >"$grown"
	for n in 1 100 10000; do add_tenants $n; done
	for n in 0 1 10 100; do add_budgets_of $n; done
	post 64 1 "$url"
	for n in 1 100 10000; do warm_tenants $n; done
	settle_plans
	for ((round = 1; round <= rounds; round++)); do
		step "Round $round of $rounds"
		grow_connections
		grow_clients
		grow_budgets
	done
	grow_records
	awk -v folder="$run" -v json="$programs/growth.json" -v when="$(date -u +%FT%TZ)" \
		-v machine="$(uname -sr), $(nproc) CPUs" -v rounds=$rounds -v seconds=$sample_seconds \
		-f "$bench/stats.awk" -f "$bench/growth.awk" "$grown" "$spent"
	draw
}
