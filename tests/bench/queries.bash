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

measure_query() {
	local status path
	# Of at.
	# shellcheck disable=SC2154
	path=$url$(fill_in "$2")
	status=$(curl -sS -o "$log/query.json" -w '%{http_code}' -H "@$run/keys/$client" "$path")
	[ "$status" != 404 ] || return 0
	[ "$status" = 200 ] || fail "GET $path gave $status" "$log/query.json"
	load 4 $((seconds < 2 ? 1 : 2)) "$path"
	note "$1" figure "$(awk "BEGIN { print ${result[5]} / 1000 }")"
	note_errors
}

measure_queries() {
	local row path user
	user=$(find_user)
	while IFS='|' read -r row path; do
		case $row in
		'#'*) ;;
		*) measure_query "$row" "$path" ;;
		esac
	done <"$bench/queries"
}
