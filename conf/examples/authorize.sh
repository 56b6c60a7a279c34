#!/bin/bash
# A call of a model under a budget: authorize, call, settle. With curl, and jq for the answers.
#
#     TALLY_URL=http://127.0.0.1:8080 TALLY_API_KEY=tally_... bash authorize.sh [CALL]
#
# The key needs the scopes authorize and budgets:read. CALL is the application's own name of this
# call: run again with it, the call is authorized and stored once. Exit status 3: refused.
set -euo pipefail

call=${1:-$(cat /proc/sys/kernel/random/uuid)}
url=${TALLY_URL:?is the address of Tally}
key=${TALLY_API_KEY:?is the key}
what='"external_user_id":"ada","feature":"chat","provider":"openai","model":"gpt-4o-mini"'
patience=60 # seconds that are waited in all, of what Retry-After asks for

# ask PATH [CURL'S ARGUMENT...]: into $status and $body. 503, 429 or no answer: not now, so the same
# again, with the same Idempotency-Key: what was done before the answer was lost is not done twice.
# The key comes through standard input: who is on this machine sees every program's arguments.
ask() {
	local answer wait path=$1
	shift
	while true; do
		answer=$(curl -sS --max-time 30 -w '\n%{http_code} %header{retry-after}' "$url$path" \
			-H @- -H 'Content-Type: application/json' "$@" <<<"Authorization: Bearer $key") || true
		read -r status wait <<<"${answer##*$'\n'}"
		body=${answer%$'\n'*}
		[ "$status" != 000 ] || { status=nothing wait=1; }
		[[ $status =~ ^(nothing|429|503)$ && $wait =~ ^[0-9]+$ && $wait -le $patience ]] || return 0
		patience=$((patience - wait))
		echo "Tally answers $status: again in $wait s" >&2
		sleep "$wait"
	done
}

# need STATUS...: anything else ends the program.
need() {
	[[ " $* " != *" $status "* ]] || return 0
	echo "Tally answers $status: $body" >&2
	exit 1
}

# In place of the provider's API: its answer, and the tokens that it says it has used.
call_model() {
	echo "The model is called." >&2
	echo '{"text":"A budget is a limit.","usage":{"input_tokens":1200,"output_tokens":350}}'
}

ask /v1/authorizations -H "Idempotency-Key: $call" \
	-d "{$what,\"input_tokens\":1200,\"max_output_tokens\":1000}"
if [[ $status =~ ^(402|429)$ ]]; then
	jq -r '"Refused: \(.detail) \(.budget.name // .reason // "no budget"), \(.budget.remaining_cents // "?")" +
		" cents left, resets at \(.budget.resets_at // "?")"' <<<"$body" >&2
	exit 3
fi
need 201
id=$(jq -r .id <<<"$body")
echo "Held: $(jq .held_cents <<<"$body") cents"

# A call that was not made gives back at once what is held for it.
if ! answer=$(call_model); then
	ask "/v1/authorizations/$id/void" -X POST
	need 200
	exit 1
fi

# The record's id follows from the authorization's, so that it is counted once without a key, too.
ask "/v1/authorizations/$id/settle" -d "$(jq -c "{$what} + .usage" <<<"$answer")"
need 200 201
echo "Cost: $(jq .estimated_cost_cents <<<"$body") cents"

ask "/v1/budgets/check?external_user_id=ada&feature=chat&provider=openai&model=gpt-4o-mini"
need 200
jq -r '.budgets[] | "Left of \(.name): \(.remaining_cents // "any") cents"' <<<"$body"
