# The row of tests/bench/bench about credits: P13.

# A thousand users, each with an account that is not used up: their ids in $run/accounts.
add_accounts() {
	local account
	add_client credits
	make_key credits
	sql -A -t -c "INSERT INTO users (client_id, id, external_id, tier)
		SELECT id, gen_random_uuid(), 'payer-' || n, 'free'
		FROM clients, generate_series(1, 1000) AS n WHERE name = 'credits' RETURNING id" \
		>"$run/accounts"
	while read -r account; do
		echo "url = $url/v1/credit-accounts/$account/transactions"
		echo 'output = /dev/null'
	done <"$run/accounts" >"$run/purchases"
	curl -sSfZ --parallel-max 64 -H "@$run/keys/credits" -H 'Content-Type: application/json' \
		-d '{"type":"purchase","amount":1000000}' -K "$run/purchases" \
		2>"$log/purchases.log" || fail "credits could not be purchased" "$log/purchases.log"
	sql -f "$bench/credits.sql"
	sql -c ANALYZE
}

# use_credits ACCOUNTS
use_credits() {
	head -n "$1" "$run/accounts" >"$run/accounts.$1"
	client=credits script=credits load 64 "$seconds" "$url/v1" \
		-H "Content-Type: application/json" -- "$run/accounts.$1"
}

# Leaves in $result what load() does.
use_bare() {
	"$(postgres_programs)/pgbench" -n -M prepared -c 64 -j 2 -T "$seconds" -D accounts="$1" \
		-D client="$(client_id credits)" -f "$bench/credits_one.sql" \
		"$(database_url postgres)" >"$log/pgbench.log" 2>&1 ||
		fail "pgbench failed" "$log/pgbench.log"
	result=("$(awk '/actually processed/ { print $NF + 0 }' "$log/pgbench.log")"
		"$((seconds * 1000000))" 0 0)
	[ "${result[0]}" -gt 0 ] || fail "pgbench did nothing" "$log/pgbench.log"
}

measure_credits() {
	local round accounts
	add_accounts
	for ((round = 1; round <= rounds; round++)); do
		step "Round $round of $rounds of credits"
		for accounts in 1 10 1000; do
			rate P13.$accounts figure use_credits $accounts
			note_errors
			rate P13.$accounts limit use_bare $accounts
		done
	done
}
