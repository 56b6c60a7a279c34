/* Callers who pay from credits: they post to accounts by hand, and their calls take from them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/money.h"
#include "tests/torture/postings.h"

#define CALL_MAX 500000000 /* nano-dollars: 50 cents */
#define SHORT_S 2

/* An authorization. */
struct granted {
	int user;
	char id[40];
};

/* Of a call that cost so much; rest: members behind it. */
static void
record(struct caller *caller, int user, int64_t nanos, const char *path, const char *rest)
{
	const struct journal_entry entry = {
		.client = caller->client, .user = user, .nanos = nanos
	};
	size_t number = journal_add(caller->torture->journal, &entry);
	char mark[JOURNAL_MARK_SIZE], cents[MONEY_TEXT_SIZE], *body;
	struct http_answer answer;

	journal_mark(caller->client, number, mark);
	if (asprintf(&body,
		"{\"trace_id\":\"%s\",\"external_user_id\":\"c%d-u%d\",\"feature\":\"c%d-f\","
		"\"message_length\":1,\"verified_cost_cents\":%s%s}",
		mark, caller->client, user, caller->client, money_format_cents(nanos, cents),
		rest) < 0)
		abort();
	/* Without an id of its own it is sent once, for the same again would be another call. */
	answer = *rest == '\0' ? load_send(caller, "POST", path, NULL, body)
			       : load_insist(caller, path, NULL, body);
	journal_tell(caller->torture->journal, number, load_state(&answer));
	if (load_state(&answer) == JOURNAL_REFUSED)
		load_complain(caller, body, &answer);
	http_free(&answer);
	free(body);
}

static int64_t
roll_cost(struct caller *caller)
{
	return 1 + dice_roll(&caller->dice, CALL_MAX);
}

static void
call(struct caller *caller)
{
	record(caller, postings_choose_user(caller), roll_cost(caller), "/v1/chat-logs", "");
}

static void
end_authorized(struct caller *caller, const struct granted *granted)
{
	int rolled = dice_roll(&caller->dice, 100);
	char path[100], rest[120];
	struct http_answer answer;

	if (rolled < 40) {
		(void)snprintf(rest, sizeof(rest), ",\"authorization_id\":\"%s\",\"id\":\"%s\"",
		    granted->id, granted->id);
		record(caller, granted->user, roll_cost(caller), "/v1/chat-logs", rest);
	} else if (rolled < 60) {
		(void)snprintf(path, sizeof(path), "/v1/authorizations/%s/settle", granted->id);
		record(caller, granted->user, roll_cost(caller), path, ",\"duration_ms\":1");
	} else if (rolled < 80) {
		(void)snprintf(path, sizeof(path), "/v1/authorizations/%s/void", granted->id);
		answer = load_insist(caller, path, NULL, NULL);
		if (answer.status != 200 && !load_is_open(&answer))
			load_complain(caller, path, &answer);
		http_free(&answer);
	}
}

static void
authorize(struct caller *caller)
{
	struct granted granted = { .user = postings_choose_user(caller) };
	const struct journal_entry entry = { .kind = JOURNAL_AUTHORIZATION,
		.client = caller->client,
		.user = granted.user,
		.nanos = roll_cost(caller) };
	size_t number = journal_add(caller->torture->journal, &entry);
	char key[80], cents[MONEY_TEXT_SIZE], body[300];
	const char *const headers[] = { key, NULL };
	struct http_answer answer;

	(void)snprintf(key, sizeof(key), "Idempotency-Key: c%d-a%zu", caller->client, number);
	(void)snprintf(body, sizeof(body),
	    "{\"external_user_id\":\"c%d-u%d\",\"feature\":\"c%d-f\",\"max_cost_cents\":%s,"
	    "\"expires_in\":%d}",
	    caller->client, granted.user, caller->client, money_format_cents(entry.nanos, cents),
	    dice_chance(&caller->dice, 20) ? SHORT_S : 3600);
	answer = load_insist(caller, "/v1/authorizations", headers, body);
	journal_tell(caller->torture->journal, number, load_state(&answer));
	if (answer.status == 201) {
		(void)snprintf(granted.id, sizeof(granted.id), "%s", http_json(&answer, "id", 0));
		end_authorized(caller, &granted);
	} else if (!load_is_open(&answer)) {
		postings_check_refusal(caller, &answer);
	}
	http_free(&answer);
}

static void
look(struct caller *caller)
{
	static const char *const ends[] = { "", "/transactions?limit=5", "/holds", "/grants",
		"/check?amount=1" };
	char path[140];
	struct http_answer answer;

	(void)snprintf(path, sizeof(path), "/v1/credit-accounts/%s%s",
	    torture_account(caller->torture, caller->client, postings_choose_user(caller)),
	    ends[dice_roll(&caller->dice, sizeof(ends) / sizeof(ends[0]))]);
	answer = load_send(caller, "GET", path, NULL, NULL);
	if (answer.status != 200 && !load_is_open(&answer))
		load_complain(caller, path, &answer);
	http_free(&answer);
}

void
credits_do(struct caller *caller)
{
	static const struct {
		int share; /* of a hundred */
		void (*act)(struct caller *caller);
	} acts[] = {
		{ 55, postings_do },
		{ 15, call },
		{ 25, authorize },
		{ 5, look },
	};
	int rolled = dice_roll(&caller->dice, 100), i = 0;

	for (; rolled >= acts[i].share; i++)
		rolled -= acts[i].share;
	acts[i].act(caller);
}
