#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/money.h"
#include "tests/process.h"
#include "tests/torture/load.h"

#define RECORDS "/v1/chat-logs"
#define MANY_MAX 20
#define DAYS_BACK 3

static const char *const ndjson[] = { "Content-Type: application/x-ndjson", NULL };

static void
choose_time(struct caller *caller)
{
	time_t at = time(NULL);
	struct tm tm;

	if (dice_chance(&caller->dice, 10))
		at -= 86400L * (1 + dice_roll(&caller->dice, DAYS_BACK));
	(void)strftime(caller->created_at, sizeof(caller->created_at), "%Y-%m-%dT%H:%M:%SZ",
	    gmtime_r(&at, &tm));
}

/* Writes a record and its entry; the entry's number. */
static size_t
write_record(struct caller *caller, bool with_id, FILE *out)
{
	struct journal_entry entry = { .client = caller->client,
		.user = dice_roll(&caller->dice, TORTURE_USERS),
		.nanos = 1 + dice_roll(&caller->dice, 9999999) };
	size_t number = journal_add(caller->torture->journal, &entry);
	char mark[JOURNAL_MARK_SIZE], cents[MONEY_TEXT_SIZE];

	journal_mark(caller->client, number, mark);
	fprintf(out,
	    "{\"trace_id\":\"%s\",\"external_user_id\":\"c%d-u%d\",\"feature\":\"c%d-f\","
	    "\"message_length\":%d,\"tokens_used\":%d,\"verified_cost_cents\":%s",
	    mark, caller->client, entry.user, caller->client, dice_roll(&caller->dice, 1000),
	    dice_roll(&caller->dice, 1000), money_format_cents(entry.nanos, cents));
	if (with_id) {
		choose_time(caller);
		fprintf(out, ",\"id\":\"%s\",\"created_at\":\"%s\"", mark, caller->created_at);
	}
	fputs("}", out);
	return number;
}

static enum journal_state
state_of(const struct http_answer *answer)
{
	if (answer->status == 200 || answer->status == 201)
		return JOURNAL_ACKNOWLEDGED;
	return load_is_open(answer) ? JOURNAL_UNKNOWN : JOURNAL_REFUSED;
}

/* Nothing that the load sends is wrong, but for what it means to be. */
static void
expect_no_refusal(const struct caller *caller, const struct http_answer *answer, const char *body)
{
	if (state_of(answer) == JOURNAL_REFUSED)
		journal_complain(
		    caller->torture->journal, "%ld: %s: %s", answer->status, body, answer->body);
}

/* The same again is stored already, and says so. */
static void
repeat(struct caller *caller, const char *body)
{
	struct http_answer answer = load_insist(caller, RECORDS, NULL, body);

	if (!load_is_open(&answer) && answer.status != 200 && answer.status != 201)
		journal_complain(caller->torture->journal, "repeated: %ld: %s: %s", answer.status,
		    body, answer.body);
	http_free(&answer);
}

/* A record whose id makes it safe to send it until it is acknowledged. */
static void
post_with_id(struct caller *caller)
{
	struct http_answer answer;
	char *body;
	size_t len;
	FILE *out = open_memstream(&body, &len);
	size_t number = write_record(caller, true, out);

	fclose(out);
	answer = load_insist(caller, RECORDS, NULL, body);
	journal_tell(caller->torture->journal, number, state_of(&answer));
	expect_no_refusal(caller, &answer, body);
	http_free(&answer);
	if (dice_chance(&caller->dice, 20))
		repeat(caller, body);
	free(body);
}

bool
calls_probe(struct caller *caller)
{
	struct http_answer answer;
	enum journal_state state;
	char *body;
	size_t len;
	FILE *out = open_memstream(&body, &len);
	size_t number = write_record(caller, false, out);

	fclose(out);
	answer = load_send(caller, "POST", RECORDS, NULL, body);
	state = state_of(&answer);
	journal_tell(caller->torture->journal, number, state);
	expect_no_refusal(caller, &answer, body);
	http_free(&answer);
	free(body);
	if (state == JOURNAL_UNKNOWN)
		process_breathe();
	return state == JOURNAL_ACKNOWLEDGED;
}

/* Sent once, for the same again would be another record. */
static void
post_without_id(struct caller *caller)
{
	(void)calls_probe(caller);
}

struct many {
	size_t numbers[MANY_MAX];
	int count;
	bool lines; /* NDJSON, else an array */
	bool broken; /* the last element has a field too many */
	char *body;
};

static struct many
make_many(struct caller *caller, bool with_ids)
{
	struct many many = { .count = 1 + dice_roll(&caller->dice, MANY_MAX),
		.lines = dice_chance(&caller->dice, 50),
		.broken = dice_chance(&caller->dice, 10) };
	size_t len;
	FILE *out = open_memstream(&many.body, &len);

	if (!many.lines)
		fputc('[', out);
	for (int i = 0; i < many.count; i++) {
		if (i > 0)
			fputc(many.lines ? '\n' : ',', out);
		many.numbers[i] = write_record(caller, with_ids, out);
	}
	if (many.broken)
		fprintf(
		    out, "%s{\"message_length\":1,\"no_such_field\":1}", many.lines ? "\n" : ",");
	if (!many.lines)
		fputc(']', out);
	fclose(out);
	return many;
}

static void
tell_many(struct caller *caller, const struct many *many, const struct http_answer *answer)
{
	const char *accepted = http_json(answer, "accepted", 0);
	const char *duplicates = http_json(answer, "duplicates", 1);
	enum journal_state state = state_of(answer);

	for (int i = 0; i < many->count; i++)
		journal_tell(caller->torture->journal, many->numbers[i], state);
	expect_no_refusal(caller, answer, many->body);
	if (state != JOURNAL_ACKNOWLEDGED)
		return;
	if (accepted == NULL || duplicates == NULL ||
	    strtol(accepted, NULL, 10) + strtol(duplicates, NULL, 10) != many->count ||
	    (http_json(answer, "rejected.0.index", 2) != NULL) != many->broken)
		journal_complain(caller->torture->journal, "of %d: %s", many->count, answer->body);
}

static void
post_many(struct caller *caller)
{
	struct many many = make_many(caller, true);
	struct http_answer answer =
	    load_insist(caller, RECORDS, many.lines ? ndjson : NULL, many.body);

	tell_many(caller, &many, &answer);
	http_free(&answer);
	free(many.body);
}

/* I6: the second answer is the first, word by word. */
static void
replay(struct caller *caller, const struct many *many, const char *const *headers,
    const struct http_answer *first)
{
	struct http_answer second = load_insist(caller, RECORDS, headers, many->body);
	const char *replayed = http_header(&second, "idempotency-replayed");

	if (!load_is_open(&second) &&
	    (second.status != first->status || strcmp(second.body, first->body) != 0 ||
		replayed == NULL))
		journal_complain(caller->torture->journal, "replayed: %ld %s, not %ld %s",
		    second.status, second.body, first->status, first->body);
	http_free(&second);
}

/* Records without an id: the key alone makes it safe to send them again. */
static void
post_with_key(struct caller *caller)
{
	struct many many = make_many(caller, false);
	char key[80];
	const char *const headers[] = { key, many.lines ? ndjson[0] : NULL, NULL };
	struct http_answer answer;

	(void)snprintf(
	    key, sizeof(key), "Idempotency-Key: c%d-%zu", caller->client, many.numbers[0]);
	answer = load_insist(caller, RECORDS, headers, many.body);
	tell_many(caller, &many, &answer);
	if (!load_is_open(&answer) && dice_chance(&caller->dice, 30))
		replay(caller, &many, headers, &answer);
	http_free(&answer);
	free(many.body);
}

static void
read_something(struct caller *caller)
{
	static const char *const paths[] = { "/v1/daily-costs/today", "/v1/chat-logs?limit=20",
		"/v1/budgets/check?feature=chat", "/v1/daily-costs?days=3", "/v1/budgets" };
	const char *path = paths[dice_roll(&caller->dice, sizeof(paths) / sizeof(paths[0]))];
	struct http_answer answer = load_send(caller, "GET", path, NULL, NULL);

	if (!load_is_open(&answer) && answer.status != 200)
		journal_complain(
		    caller->torture->journal, "GET %s: %ld: %s", path, answer.status, answer.body);
	http_free(&answer);
}

void
calls_do(struct caller *caller)
{
	static const struct {
		int share; /* of a hundred */
		void (*act)(struct caller *caller);
	} acts[] = {
		{ 30, post_with_id },
		{ 20, post_without_id },
		{ 15, post_many },
		{ 15, post_with_key },
		{ 20, read_something },
	};
	int rolled = dice_roll(&caller->dice, 100), i = 0;

	for (; rolled >= acts[i].share; i++)
		rolled -= acts[i].share;
	acts[i].act(caller);
}
