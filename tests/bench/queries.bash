# The rows P7.… of tests/bench/bench: each line of tests/bench/queries, asked by 4 clients.

# A user of the client's, who has called.
find_user() {
	# shellcheck disable=SC2154
	sql -A -t -c "SELECT user_id FROM chat_logs_${day//-/} WHERE client_id = '$(client_id "$client")'
		AND user_id IS NOT NULL LIMIT 1"
}

# fill_in PATH
fill_in() {
	local path=$1 days name
	for days in 1 7 30 90; do
		name=$days
		[ $days -ne 1 ] || name=today
		path=${path//@${name}@/$(day_before $((days - 1)))T00:00:00Z}
		path=${path//@${name}s@/$(date -u -d "$(day_before $((days - 1)))" +%s)}
	done
	say "${path//@user@/$user}"
}

# Of at.
# shellcheck disable=SC2154
address() {
	say "$url$(fill_in "$1")"
}

# Asks once; leaves the seconds in $took. False: there is no such route.
ask() {
	local status
	read -r status took < <(curl -sS -o "$log/query.json" -w '%{http_code} %{time_total}\n' \
		-H "@$run/keys/$client" "$1")
	[ "$status" != 404 ] || return 1
	[ "$status" = 200 ] || fail "GET $1 gave $status" "$log/query.json"
}

# measure_query ROW PATH [CLIENT]: as asked again and again.
measure_query() {
	local path client=${3:-$client} took
	path=$(address "$2")
	ask "$path" || return 0
	load 4 1 "$path"
	load 4 $((seconds < 2 ? 1 : 2)) "$path"
	note "$1" figure "$(awk "BEGIN { print ${result[5]} / 1000 }")"
	note_errors
}

measure_queries() {
	local row path whose user
	user=$(find_user)
	while IFS='|' read -r row path whose; do
		case $row in
		'#'* | P7.cold.*) ;;
		*) measure_query "$row" "$path" "$whose" ;;
		esac
	done <"$bench/queries"
}

answers() {
	curl -sf -o /dev/null "$url/healthz"
}

# restart NAME: /healthz asks the database for nothing.
restart() {
	stop_server "$1"
	start_server "$1" tallyd
	await 30 answers || fail "$1 does not answer" "$log/$1.log"
}

# Each is the first that is asked of a tallyd.
measure_cold() {
	local row path took user
	user=$(find_user)
	while IFS='|' read -r row path; do
		restart large
		ask "$(address "$path")" || continue
		note "$row" figure "$(awk "BEGIN { print $took * 1000 }")"
	done < <(grep '^P7\.cold\.' "$bench/queries")
}
