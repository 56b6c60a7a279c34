/* Callers who pay from credits: they post to accounts by hand, and their calls take from them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/money.h"
#include "tests/torture/load.h"

#define UNIT INT64_C(100000) /* a posting has four decimals */
#define PURCHASE_MAX 200000 /* of these: 20 credits */
#define USAGE_MAX 60000
#define CALL_MAX 500000000 /* nano-dollars: 50 cents */
#define SHORT_S 2

/* What a caller posted, and what became of it. */
struct posted {
	size_t number; /* of the journal */
	int user;
	int64_t nanos;
	long status;
	char id[40];
};

static void
complain(const struct caller *caller, const char *what, const struct http_answer *answer)
{
	journal_complain(
	    caller->torture->journal, "%s: %ld: %s", what, answer->status, answer->body);
}

static enum journal_state
state_of(const struct http_answer *answer)
{
	if (answer->status == 200 || answer->status == 201)
		return JOURNAL_ACKNOWLEDGED;
	return load_is_open(answer) ? JOURNAL_UNKNOWN : JOURNAL_REFUSED;
}

/* Refused is only what the account does not have. */
static void
check_refusal(const struct caller *caller, const struct http_answer *answer)
{
	const char *missing = http_json(answer, "shortfall", 0);

	if (answer->status != 402 || missing == NULL || strcmp(missing, "0") == 0)
		complain(caller, "refused without need", answer);
}

static int
choose_user(struct caller *caller)
{
	return dice_roll(&caller->dice, torture_accounts(caller->client));
}

/* I6: the same key is the same transaction. */
static void
replay(struct caller *caller, const char *path, const char *const *headers, const char *body,
    const struct http_answer *first)
{
	struct http_answer second = load_insist(caller, path, headers, body);

	if (!load_is_open(&second) && strcmp(second.body, first->body) != 0)
		complain(caller, "posted another", &second);
	http_free(&second);
}

/* added: what it adds to the balance; more: members behind the amount. */
static struct posted
post(struct caller *caller, int user, const char *type, int64_t added, const char *more)
{
	const struct journal_entry entry = {
		.kind = JOURNAL_POSTING, .client = caller->client, .user = user, .nanos = added
	};
	struct posted posted = { .user = user, .nanos = added };
	char path[120], key[80], mark[JOURNAL_MARK_SIZE], amount[MONEY_TEXT_SIZE], *body;
	const char *const headers[] = { key, NULL };
	struct http_answer answer;

	posted.number = journal_add(caller->torture->journal, &entry);
	journal_mark(caller->client, posted.number, mark);
	(void)snprintf(path, sizeof(path), "/v1/credit-accounts/%s/transactions",
	    torture_account(caller->torture, caller->client, user));
	(void)snprintf(key, sizeof(key), "Idempotency-Key: %s", mark);
	if (asprintf(&body, "{\"type\":\"%s\",\"amount\":%s,\"description\":\"%s\"%s}", type,
		money_format_scaled(added < 0 ? -added : added, 9, amount), mark, more) < 0)
		abort();
	answer = load_insist(caller, path, headers, body);
	posted.status = answer.status;
	journal_tell(caller->torture->journal, posted.number, state_of(&answer));
	if (answer.status == 201)
		(void)snprintf(posted.id, sizeof(posted.id), "%s", http_json(&answer, "id", 0));
	else if (!load_is_open(&answer))
		check_refusal(caller, &answer);
	if (answer.status == 201 && dice_chance(&caller->dice, 15))
		replay(caller, path, headers, body, &answer);
	http_free(&answer);
	free(body);
	return posted;
}

static int64_t
roll_amount(struct caller *caller, int most)
{
	return (1 + dice_roll(&caller->dice, most)) * UNIT;
}

static void
purchase(struct caller *caller)
{
	char more[40] = "";

	if (dice_chance(&caller->dice, 30))
		(void)snprintf(more, sizeof(more), ",\"expires_in\":%d,\"priority\":%d",
		    dice_chance(&caller->dice, 50) ? SHORT_S : 3600, dice_roll(&caller->dice, 100));
	(void)post(
	    caller, choose_user(caller), "purchase", roll_amount(caller, PURCHASE_MAX), more);
}

static void
use(struct caller *caller)
{
	(void)post(caller, choose_user(caller), "usage", -roll_amount(caller, USAGE_MAX), "");
}

/* Held by hand, and used or left: nobody else knows of it. */
static void
hold(struct caller *caller)
{
	int64_t amount = roll_amount(caller, USAGE_MAX);
	struct posted held =
	    post(caller, choose_user(caller), "hold", -amount, ",\"expires_in\":3600");
	char more[80];

	if (held.status != 201 || dice_chance(&caller->dice, 20))
		return;
	(void)snprintf(more, sizeof(more), ",\"hold_id\":\"%s\"", held.id);
	(void)post(caller, held.user, "usage",
	    -(1 + dice_roll(&caller->dice, (int)(amount / UNIT))) * UNIT, more);
}

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
	journal_tell(caller->torture->journal, number, state_of(&answer));
	if (state_of(&answer) == JOURNAL_REFUSED)
		complain(caller, body, &answer);
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
	record(caller, choose_user(caller), roll_cost(caller), "/v1/chat-logs", "");
}

static void
end_authorized(struct caller *caller, const struct posted *granted)
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
			complain(caller, path, &answer);
		http_free(&answer);
	}
}

static void
authorize(struct caller *caller)
{
	struct posted asked = { .user = choose_user(caller), .nanos = roll_cost(caller) };
	const struct journal_entry entry = { .kind = JOURNAL_AUTHORIZATION,
		.client = caller->client,
		.user = asked.user,
		.nanos = asked.nanos };
	char key[80], cents[MONEY_TEXT_SIZE], body[300];
	const char *const headers[] = { key, NULL };
	struct http_answer answer;

	asked.number = journal_add(caller->torture->journal, &entry);
	(void)snprintf(key, sizeof(key), "Idempotency-Key: c%d-a%zu", caller->client, asked.number);
	(void)snprintf(body, sizeof(body),
	    "{\"external_user_id\":\"c%d-u%d\",\"feature\":\"c%d-f\",\"max_cost_cents\":%s,"
	    "\"expires_in\":%d}",
	    caller->client, asked.user, caller->client, money_format_cents(asked.nanos, cents),
	    dice_chance(&caller->dice, 20) ? SHORT_S : 3600);
	answer = load_insist(caller, "/v1/authorizations", headers, body);
	journal_tell(caller->torture->journal, asked.number, state_of(&answer));
	if (answer.status == 201) {
		(void)snprintf(asked.id, sizeof(asked.id), "%s", http_json(&answer, "id", 0));
		end_authorized(caller, &asked);
	} else if (!load_is_open(&answer)) {
		check_refusal(caller, &answer);
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
	    torture_account(caller->torture, caller->client, choose_user(caller)),
	    ends[dice_roll(&caller->dice, sizeof(ends) / sizeof(ends[0]))]);
	answer = load_send(caller, "GET", path, NULL, NULL);
	if (answer.status != 200 && !load_is_open(&answer))
		complain(caller, path, &answer);
	http_free(&answer);
}

void
credits_do(struct caller *caller)
{
	static const struct {
		int share; /* of a hundred */
		void (*act)(struct caller *caller);
	} acts[] = {
		{ 20, purchase },
		{ 20, use },
		{ 15, hold },
		{ 15, call },
		{ 25, authorize },
		{ 5, look },
	};
	int rolled = dice_roll(&caller->dice, 100), i = 0;

	for (; rolled >= acts[i].share; i++)
		rolled -= acts[i].share;
	acts[i].act(caller);
}
