# The parts of tests/bench/beyond: prepare_ before nginx starts, measure_ behind it.

prepare_beside() {
	add_client beside
	start_one second
	add_site pair tallyd second
}

# The same load on one and on two, one right after the other; the second is idle meanwhile.
measure_beside() {
	local round clients
	step "Two tallyds beside one"
	tallyds='tallyd second'
	post beside 64 1 "$url_pair" >/dev/null
	hold beside 64 1 "$url_pair" >/dev/null
	analyze_as_autovacuum
	for ((round = 0; round < rounds; round++)); do
		for clients in 64 256; do
			measure P2.$clients.one post beside $clients "$seconds" "$url"
			measure P2.$clients.two post beside $clients "$seconds" "$url_pair"
		done
		measure P3.64.one hold beside 64 "$seconds" "$url"
		measure P3.64.two hold beside 64 "$seconds" "$url_pair"
		replace_second
	done
	expect_true_books tallyd
}

# One of two is stopped and started again under load: bad answers, and records that were
# acknowledged and are not in the log.
replace_second() {
	local before loading lost result
	before=$(stored)
	post beside 64 $((seconds + 1)) "$url_pair" >"$run/replaced" &
	loading=$!
	await 30 stores_more_than "$before" || fail "the load on the restart did not begin"
	end_one second
	wait $loading || fail "the load on the restart failed"
	read -ra result <"$run/replaced"
	note replaced rate "$(awk "BEGIN { print ${result[0]} / ${result[1]} * 1000000 }")"
	note replaced bad $((result[2] + result[3]))
	lost=$((result[0] - result[2] + before - $(stored)))
	[ $lost -le 0 ] || fail "$lost records were acknowledged and are not in the log"
}

stored() {
	sql -A -t -c 'SELECT count(*) FROM chat_logs'
}

stores_more_than() {
	[ "$(stored)" -gt "$1" ]
}

# A Redis Cluster of three, and a tallyd before each of them, which knows that node only.
prepare_cluster() {
	local n port_n addresses=()
	step "Starting a Redis Cluster of three"
	for n in 1 2 3; do
		port_n=$((port + n))
		mkdir -p "$run/node$n"
		redis-server --port $port_n --bind 127.0.0.1 --dir "$run/node$n" --cluster-enabled yes \
			--cluster-node-timeout 5000 --appendonly yes --save '' >"$log/node$n.log" 2>&1 &
		started+=($!)
		nodes+=" $!"
		await 30 redis-cli -p $port_n ping || fail "a node did not start" "$log/node$n.log"
		addresses+=("127.0.0.1:$port_n")
	done
	redis-cli --cluster create "${addresses[@]}" --cluster-yes >"$log/cluster.log"
	node_port=$((port + 1))
	await 30 cluster_is_well || fail "the cluster does not come up" "$log/cluster.log"
	port=$((port + 4))
	for n in 1 2 3; do
		start_one "node$n" "$sockets/postgres" "redis://${addresses[n - 1]}"
		add_site "node$n" "node$n"
		find_client "own$n" "$n"
	done
	find_client one2 1
	find_client one3 1
	find_client moved 2
}

cluster_is_well() {
	local n
	for n in 0 1 2; do
		redis-cli -p $((node_port + n)) cluster info | grep -q cluster_state:ok || return 1
	done
}

# node_of CLIENT: which of the three has its slot.
node_of() {
	local id slot
	id=$(sql -A -t -c "SELECT id FROM clients WHERE name = '$1'")
	slot=$(redis-cli -p "$node_port" cluster keyslot "tally:{$id}:state")
	redis-cli -p "$node_port" cluster nodes | awk -v slot="$slot" -v port="$node_port" '
		/master/ { for (i = 9; i <= NF; i++) { split($i, r, "-")
			if (r[1] <= slot && slot <= (r[2] == "" ? r[1] : r[2])) {
				split($2, a, /[:@]/); print a[2] - port + 1 } } }'
}

# find_client NAME NODE: a new client whose slot is there, as home[NAME].
find_client() {
	local try=0
	while :; do
		try=$((try + 1))
		tally client create --name "$1.$try" --timezone UTC --json >>"$log/client.log"
		[ "$(node_of "$1.$try")" != "$2" ] || break
	done
	home[$1]=$1.$try
	add_client "$1.$try"
}

# Three clients at once: each on a node of its own, then all on one. Then a client by the tallyd
# whose node has its slot, and one by a tallyd whose node has it not. The jobs know one node, too.
measure_cluster() {
	local round
	step "A Redis Cluster of three"
	tallyds='node1 node2 node3'
	three own1 "$url_node1" own2 "$url_node2" own3 "$url_node3" >/dev/null
	three own1 "$url_node1" one2 "$url_node1" one3 "$url_node1" >/dev/null
	analyze_as_autovacuum
	for ((round = 0; round < rounds; round++)); do
		measure P3.nodes.three three own1 "$url_node1" own2 "$url_node2" own3 "$url_node3"
		measure P3.nodes.one three own1 "$url_node1" one2 "$url_node1" one3 "$url_node1"
		measure P2.home post "${home[own1]}" 64 "$seconds" "$url_node1"
		measure P2.moved post "${home[moved]}" 64 "$seconds" "$url_node1"
		measure P3.home hold "${home[own1]}" 64 "$seconds" "$url_node1"
		measure P3.moved hold "${home[moved]}" 64 "$seconds" "$url_node1"
		expect_true_books node1
	done
	tallyd_through_proxy
}

# three CLIENT ADDRESS CLIENT ADDRESS CLIENT ADDRESS: the sum of what they had there.
three() {
	local loading=()
	while [ $# -gt 0 ]; do
		hold "${home[$1]}" 21 "$seconds" "$2" >"$run/three.${#loading[@]}" &
		loading+=($!)
		shift 2
	done
	wait "${loading[@]}"
	awk '{ n += $1; time += $2 / 3; bad += $3; failed += $4; p50 += $5 / 3; p99 = $6 > p99 ? $6 : p99 }
		END { printf "%d %d %d %d %d %d\n", n, time, bad, failed, p50, p99 }' "$run"/three.[012]
}

# Before all three stands twemproxy, where it is installed: what tallyd's /readyz says then.
tallyd_through_proxy() {
	local n
	command -v nutcracker >/dev/null || return 0
	{
		echo "tally:"
		echo "  listen: $sockets/tally/proxy.sock 0600"
		printf '  redis: true\n  hash: crc16\n  hash_tag: "{}"\n  distribution: modula\n  servers:\n'
		for n in 0 1 2; do
			echo "  - 127.0.0.1:$((node_port + n)):1"
		done
	} >"$run/proxy.yml"
	nutcracker -c "$run/proxy.yml" -s "$port" -o "$log/proxy.log" &
	started+=($!)
	await 30 test -S "$sockets/tally/proxy.sock" || fail "nutcracker did not start" "$log/proxy.log"
	for n in 'PING' 'INFO server' 'SCRIPT LOAD x' 'EVAL x 1 tally:{a}:state'; do
		# shellcheck disable=SC2086
		printf 'through nutcracker, %s: %s\n' "$n" \
			"$(timeout 5 redis-cli -s "$sockets/tally/proxy.sock" $n 2>&1 | head -n 1)"
	done
}

# A PostgreSQL that follows the one with the records, and a tallyd that reads from it.
prepare_replica() {
	local programs
	programs=$(postgres_programs)
	step "Starting a standby of PostgreSQL"
	add_client replica
	mkdir -p "$sockets/standby"
	[ "$(id -u)" -ne 0 ] || chown postgres "$sockets/standby"
	as_postgres "$programs/pg_basebackup" -h "$sockets/postgres" -U postgres -D "$postgres/standby" \
		-R -c fast >"$log/basebackup.log" 2>&1 ||
		fail "pg_basebackup failed" "$log/basebackup.log"
	as_postgres "$programs/pg_ctl" start --silent --wait --timeout=60 --pgdata="$postgres/standby" \
		--log="$postgres/standby.log" -o "-c unix_socket_directories=$sockets/standby" \
		>"$log/pg_ctl.log" 2>&1 || fail "the standby did not start" "$postgres/standby.log"
	start_one reader "$sockets/standby"
	add_site reader reader
}

standby_pid() { pid_of "$postgres/standby/postmaster.pid" postgres; }

stop_standby() {
	local pid
	if pid=$(standby_pid); then
		stop_process "the standby" "$pid" INT
	fi
}

# list CLIENT CONNECTIONS SECONDS ADDRESS: the newest 50 records, again and again.
list() {
	load "$1" "$2" "$3" load "$4/v1/chat-logs?limit=50"
}

# Reads of either while nothing is written, and while the other half of the clients writes.
measure_replica() {
	local round side address
	step "A PostgreSQL that follows, and a tallyd that reads there"
	tallyds='tallyd reader'
	post replica 64 "$seconds" "$url" >/dev/null
	analyze_as_autovacuum
	for ((round = 0; round < rounds; round++)); do
		for side in primary standby; do
			address=$url
			[ $side = primary ] || address=$url_reader
			measure reads.$side list replica 32 "$seconds" "$address"
			beside_posts $side "$address"
		done
	done
	expect_true_books tallyd
}

# beside_posts SIDE ADDRESS: the lag is what PostgreSQL says of it, looked at all the time.
beside_posts() {
	local loading
	post replica 64 "$seconds" "$url" >"$run/writes" &
	loading=$!
	watch_lag "$1" $loading &
	list replica 32 "$seconds" "$2" >"$run/reads"
	wait $loading || fail "the load beside the reads failed"
	wait $!
	note_result both."$1".reads "$run/reads"
	note_result both."$1".writes "$run/writes"
}

# A sample twenty times a second; nothing waits for it.
watch_lag() {
	while [ -e "/proc/$2" ]; do
		note both."$1".lag_ms rate "$(sql -A -t -c "SELECT coalesce(extract(epoch FROM replay_lag) * 1000, 0)
			FROM pg_stat_replication")"
		sleep 0.05
	done
}
