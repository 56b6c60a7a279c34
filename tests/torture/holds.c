#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/money.h"
#include "tests/torture/load.h"

#define AUTHORIZATIONS "/v1/authorizations"
#define AMOUNT_MAX 50000000 /* nano-dollars: 5 cents */
#define LONG_S 3600 /* longer than any fault lasts: settled in time, as the promise has it */
#define SHORT_S 2

/* What was granted. */
struct hold {
	size_t number; /* of the journal */
	int64_t nanos;
	int user;
	char id[40];
	bool is_short; /* nobody settles it */
};

static void
complain(const struct caller *caller, const char *what, const struct http_answer *answer)
{
	journal_complain(
	    caller->torture->journal, "%s: %ld: %s", what, answer->status, answer->body);
}

/* A refusal says which budget has no room for it. */
static void
check_refusal(
    const struct caller *caller, const struct hold *hold, const struct http_answer *answer)
{
	const char *left = http_json(answer, "budget.remaining_cents", 0);
	int64_t nanos;

	if (answer->status != 402 || left == NULL ||
	    money_parse_cents((struct text){ left, strlen(left) }, &nanos) != MONEY_OK ||
	    nanos >= hold->nanos)
		complain(caller, "refused without need", answer);
}

/* I6: the same key is the same authorization. */
static void
replay(struct caller *caller, const char *const *headers, const char *body,
    const struct http_answer *first)
{
	struct http_answer second = load_insist(caller, AUTHORIZATIONS, headers, body);

	if (!load_is_open(&second) && strcmp(second.body, first->body) != 0)
		complain(caller, "granted another", &second);
	http_free(&second);
}

static struct hold
choose(struct caller *caller)
{
	struct hold hold = { .nanos = 1 + dice_roll(&caller->dice, AMOUNT_MAX),
		.user = torture_strict_user(caller->torture, &caller->dice),
		.is_short = dice_chance(&caller->dice, 10) };
	struct journal_entry entry = { .kind = JOURNAL_AUTHORIZATION,
		.client = caller->client,
		.user = hold.user,
		.nanos = hold.nanos };

	hold.number = journal_add(caller->torture->journal, &entry);
	return hold;
}

static char *
write_body(const struct caller *caller, const struct hold *hold)
{
	char cents[MONEY_TEXT_SIZE], *body;

	if (asprintf(&body,
		"{\"external_user_id\":\"c%d-u%d\",\"feature\":\"c%d-f\",\"max_cost_cents\":%s,"
		"\"expires_in\":%d}",
		caller->client, hold->user, caller->client, money_format_cents(hold->nanos, cents),
		hold->is_short ? SHORT_S : LONG_S) < 0)
		abort();
	return body;
}

static void
tell(struct caller *caller, struct hold *hold, const struct http_answer *answer)
{
	enum journal_state state = JOURNAL_REFUSED;

	if (answer->status == 201)
		state = hold->is_short ? JOURNAL_ENDED : JOURNAL_ACKNOWLEDGED;
	else if (load_is_open(answer))
		state = JOURNAL_UNKNOWN;
	else
		check_refusal(caller, hold, answer);
	journal_tell(caller->torture->journal, hold->number, state);
	if (answer->status == 201)
		(void)snprintf(hold->id, sizeof(hold->id), "%s", http_json(answer, "id", 0));
}

/* Whether it was granted. */
static bool
authorize(struct caller *caller, struct hold *hold)
{
	char key[80], *body = write_body(caller, hold);
	const char *const headers[] = { key, NULL };
	struct http_answer answer;
	bool granted;

	(void)snprintf(key, sizeof(key), "Idempotency-Key: c%d-a%zu", caller->client, hold->number);
	answer = load_insist(caller, AUTHORIZATIONS, headers, body);
	tell(caller, hold, &answer);
	granted = answer.status == 201;
	if (granted && dice_chance(&caller->dice, 15))
		replay(caller, headers, body, &answer);
	http_free(&answer);
	free(body);
	return granted;
}

/* Its entry's number; the call costs no more than was authorized. */
static size_t
write_record(struct caller *caller, const struct hold *hold, const char *rest, char **ret_body)
{
	struct journal_entry entry = { .client = caller->client,
		.user = hold->user,
		.nanos = 1 + dice_roll(&caller->dice, (int)hold->nanos),
		.authorization = hold->number };
	size_t number = journal_add(caller->torture->journal, &entry);
	char mark[JOURNAL_MARK_SIZE], cents[MONEY_TEXT_SIZE];

	journal_mark(caller->client, number, mark);
	if (asprintf(ret_body,
		"{\"trace_id\":\"%s\",\"external_user_id\":\"c%d-u%d\",\"feature\":\"c%d-f\","
		"\"message_length\":1,\"verified_cost_cents\":%s%s}",
		mark, caller->client, hold->user, caller->client,
		money_format_cents(entry.nanos, cents), rest) < 0)
		abort();
	return number;
}

static void
post_settling(struct caller *caller, const char *path, const char *rest, const struct hold *hold)
{
	struct http_answer answer;
	char *body;
	size_t number = write_record(caller, hold, rest, &body);
	bool open, fine;

	answer = load_insist(caller, path, NULL, body);
	open = load_is_open(&answer);
	fine = answer.status == 200 || answer.status == 201;
	journal_tell(caller->torture->journal, number,
	    fine   ? JOURNAL_ACKNOWLEDGED
	    : open ? JOURNAL_UNKNOWN
		   : JOURNAL_REFUSED);
	if (!fine && !open)
		complain(caller, path, &answer);
	http_free(&answer);
	free(body);
}

static void
settle_by_record(struct caller *caller, const struct hold *hold)
{
	char rest[120];

	/* The authorization's id is a UUIDv7 of the same moment: as a text it names the record. */
	(void)snprintf(
	    rest, sizeof(rest), ",\"authorization_id\":\"%s\",\"id\":\"%s\"", hold->id, hold->id);
	post_settling(caller, "/v1/chat-logs", rest, hold);
}

/* A second settle is answered with the first one's record, and changes nothing. */
static void
settle_again(struct caller *caller, const char *path, const struct hold *hold)
{
	struct http_answer answer;
	char *body;
	size_t number = write_record(caller, hold, "", &body);

	answer = load_insist(caller, path, NULL, body);
	journal_tell(caller->torture->journal, number, JOURNAL_REFUSED);
	if (answer.status != 200 && !load_is_open(&answer))
		complain(caller, "settled again", &answer);
	http_free(&answer);
	free(body);
}

static void
settle(struct caller *caller, const struct hold *hold)
{
	char path[100];

	(void)snprintf(path, sizeof(path), AUTHORIZATIONS "/%s/settle", hold->id);
	post_settling(caller, path, "", hold);
	if (dice_chance(&caller->dice, 20))
		settle_again(caller, path, hold);
}

static void
give_back(struct caller *caller, const struct hold *hold)
{
	char path[100];
	struct http_answer answer;

	(void)snprintf(path, sizeof(path), AUTHORIZATIONS "/%s/void", hold->id);
	journal_tell(caller->torture->journal, hold->number, JOURNAL_ENDED);
	answer = load_insist(caller, path, NULL, NULL);
	if (answer.status != 200 && !load_is_open(&answer))
		complain(caller, path, &answer);
	http_free(&answer);
}

static void
look_at(struct caller *caller, const struct hold *hold)
{
	char path[100];
	struct http_answer answer;

	(void)snprintf(path, sizeof(path), AUTHORIZATIONS "/%s", hold->id);
	answer = load_send(caller, "GET", path, NULL, NULL);
	if (answer.status != 200 && !load_is_open(&answer))
		complain(caller, path, &answer);
	http_free(&answer);
}

void
holds_do(struct caller *caller)
{
	struct hold hold = choose(caller);
	int rolled = dice_roll(&caller->dice, 100);

	if (!authorize(caller, &hold) || hold.is_short)
		return;
	if (rolled < 40)
		settle_by_record(caller, &hold);
	else if (rolled < 65)
		settle(caller, &hold);
	else if (rolled < 85)
		give_back(caller, &hold);
	else
		look_at(caller, &hold);
}

bool
holds_probe(struct caller *caller)
{
	struct hold hold = choose(caller);
	char *body = write_body(caller, &hold);
	struct http_answer answer = load_send(caller, "POST", AUTHORIZATIONS, NULL, body);
	bool answered = !load_is_open(&answer);

	tell(caller, &hold, &answer);
	http_free(&answer);
	free(body);
	return answered;
}
