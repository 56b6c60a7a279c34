# What tests/bench/bench starts, beside what quickstart does: the functions of both are one script's.

# Each has a database of its own; that of quickstart is tally.
database_url() {
	say "postgresql://$1@/${database:-tally}?host=$sockets/postgres"
}

expect_programs() {
	local missing
	mapfile -t missing < <(missing_packages "$needs_build$needs_bench")
	[ ${#missing[@]} -eq 0 ] || fail "install these packages first: ${missing[*]}"
	[ "$(ulimit -n)" -ge 4096 ] || ulimit -n 4096 ||
		fail "2,000 clients need more open files: ulimit -n 4096"
	# One that was told to end is there until its servers have stopped.
	! pid_of "$run/bench.pid" bench >/dev/null && ! tallyd_pid >/dev/null ||
		fail "another bench runs in $run"
}

# A load that is cut short must not outlive the bench.
finish() {
	local pid
	trap - EXIT
	for pid in $(jobs -p); do
		kill "$pid" 2>/dev/null || true
	done
	stop >/dev/null
	[ ! -L "$run/postgres" ] || rm -rf "$(readlink -f "$run/postgres")"
	rm -rf "$BENCH_FOLDER" "$run/postgres" "$run/sockets"
}

# Sets url_NAME for each name, and webdis_port.
choose_ports() {
	local port=20000 name count=$(($# + 1)) i
	for ((i = 0; i < count; i++)); do
		! port_taken $((port + i)) || { port=$((port + i + 1)) i=-1; }
	done
	webdis_port=$port
	for name; do
		port=$((port + 1))
		printf -v "url_$name" 'http://127.0.0.1:%d' $port
	done
}

# One site before each server, with the same settings: the blocks are made from the first one's.
write_site() {
	local private=conf/nginx/private.conf name url port
	choose_ports tallyd "$@"
	# What start_nginx fills in.
	# shellcheck disable=SC2154
	export TALLY_PORT=${url_tallyd##*:}
	site=$run/site.conf
	{
		sed '$d' $private
		for name; do
			url=url_$name
			port=${!url##*:}
			sed "s/fastcgi_pass tally;/fastcgi_pass $name;/" conf/nginx/locations.conf \
				>"$run/$name.locations"
			sed -n '/^\tupstream tally/,$p' $private | sed -e '$d' \
				-e "s/upstream tally/upstream $name/; s/@PORT@/$port/" \
				-e "s,@SOCKET@,$sockets/tally/$name.sock," \
				-e "s,@SOURCE@/conf/nginx/locations.conf,$run/$name.locations,"
		done
		echo '}'
	} >"$site"
}

# write_server_conf NAME: without an address, it is the one that gets its socket from this process.
write_server_conf() {
	local conf=$run/$1.conf listen=$sockets/tally/$1.sock
	write_conf
	sed -i -e '/^listen = /d' -e "\$a threads = $threads" "$conf"
	[ "$1" = tally ] || echo "listen = unix:$listen" >>"$conf"
}

# start_server NAME PROGRAM: leaves its process in pid_NAME.
start_server() {
	"$build/$2" -c "$run/$1.conf" >>"$log/$1.log" 2>&1 &
	printf -v "pid_$1" %d $!
	await 30 test -S "$sockets/tally/$1.sock" || fail "$1 did not start" "$log/$1.log"
}

stop_server() {
	local pid=pid_$1
	kill -TERM "${!pid}"
	wait "${!pid}" || fail "$1 did not end well" "$log/$1.log"
}

start_on_socket() {
	"$build/tallyd" -c "$conf" >>"$log/tallyd.log" 2>&1 <&"$BENCH_LISTEN" &
	tallyd=$!
	echo $tallyd >"$run/tallyd.pid"
}

start_empty() {
	"$build/tests/bench/empty" "unix:$sockets/tally/empty.sock" $threads 2>"$log/empty.log" &
	# shellcheck disable=SC2034
	empty=$!
	await 30 test -S "$sockets/tally/empty.sock" || fail "empty did not start" "$log/empty.log"
}

start_webdis() {
	local program
	program=$(command -v webdis) || return 0
	cat >"$run/webdis.json" <<-END
		{ "redis_host": "$sockets/tally/redis.sock", "http_host": "127.0.0.1",
		"http_port": $webdis_port, "threads": 2, "daemonize": false, "verbosity": 0,
		"logfile": "$log/webdis.log" }
	END
	"$program" "$run/webdis.json" >"$log/webdis.err" 2>&1 &
	webdis=$!
	await 30 port_taken $webdis_port || fail "webdis did not start" "$log/webdis.err"
}

# prepare_server_database NAME: with a client of that name.
prepare_server_database() {
	local database=$1 conf=$run/$1.conf
	write_server_conf "$1"
	prepare_database >/dev/null
	tally partitions >>"$log/partitions.log"
	add_client "$1"
}

add_client() {
	tally client create --name "$1" --timezone UTC --if-missing --json >>"$log/client.log"
}

client_id() {
	sql -A -t -c "SELECT id FROM clients WHERE name = '$1'"
}

prepare() {
	rm -rf "$run"
	mkdir -p "$run"
	echo $$ >"$run/bench.pid"
	ln -s "$BENCH_FOLDER" "$run/sockets"
	prepare_folders
	start_postgres
	start_redis
	write_server_conf tally
	prepare_database
	tally partitions >>"$log/partitions.log"
	start_on_socket
	start_empty
	write_site empty bare large small
	start_nginx
	add_client bench
	make_key bench
	start_webdis
	trace_records | sed 's/"id":"[^"]*","created_at":"[^"]*",//' >"$run/trace.records"
	head -n $record_chunk "$run/trace.records" >"$run/records"
}
