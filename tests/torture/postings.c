/* Postings by hand, of every type, some of them sent again, and some given up. */
#include "tests/torture/postings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/money.h"

#define UNIT INT64_C(100000) /* a posting has four decimals */
#define PURCHASE_MAX 200000 /* of these: 20 credits */
#define USAGE_MAX 60000
#define SHORT_S 2
#define REPEATED 15 /* of a hundred that were acknowledged */
#define GIVEN_UP 10 /* of a hundred: sent once, whatever the answer */

/* What a caller posted, and what became of it. */
struct posted {
	int user;
	long status;
	char id[40];
};

void
postings_check_refusal(const struct caller *caller, const struct http_answer *answer)
{
	const char *missing = http_json(answer, "shortfall", 0);

	if (answer->status != 402 || missing == NULL || strcmp(missing, "0") == 0)
		load_complain(caller, "refused without need", answer);
}

/* Others may have refunded what was used. */
static void
check_refusal(const struct caller *caller, const char *type, const struct http_answer *answer)
{
	if (strcmp(type, "refund") != 0)
		postings_check_refusal(caller, answer);
	else if (answer->status != 422 || strstr(answer->body, "not refunded yet") == NULL)
		load_complain(caller, "refused without need", answer);
}

int
postings_choose_user(struct caller *caller)
{
	return dice_roll(&caller->dice, torture_accounts(caller->client));
}

/* I6: the same key is the same transaction. */
static void
repeat(struct caller *caller, const char *path, const char *const *headers, const char *body,
    const struct http_answer *first)
{
	struct http_answer second = load_insist(caller, path, headers, body);

	if (!load_is_open(&second)) {
		atomic_fetch_add(&caller->torture->repeated, 1);
		if (strcmp(second.body, first->body) != 0)
			load_complain(caller, "posted another", &second);
	}
	http_free(&second);
}

static struct http_answer
send(struct caller *caller, const char *path, const char *const *headers, const char *body)
{
	if (dice_chance(&caller->dice, GIVEN_UP))
		return load_send(caller, "POST", path, headers, body);
	return load_insist(caller, path, headers, body);
}

static void
take_answer(struct caller *caller, size_t number, const char *type,
    const struct http_answer *answer, struct posted *posted)
{
	enum journal_state state = load_state(answer);

	posted->status = answer->status;
	journal_tell(caller->torture->journal, number, state);
	if (state == JOURNAL_ACKNOWLEDGED) {
		(void)snprintf(posted->id, sizeof(posted->id), "%s", http_json(answer, "id", 0));
		atomic_fetch_add(&caller->torture->posted, 1);
	} else if (state == JOURNAL_REFUSED) {
		check_refusal(caller, type, answer);
	}
}

/* added: what it adds to the balance; members: of its JSON, a comma before each. */
static struct posted
post(struct caller *caller, int user, const char *type, int64_t added, const char *members)
{
	const struct journal_entry entry = {
		.kind = JOURNAL_POSTING, .client = caller->client, .user = user, .nanos = added
	};
	struct posted posted = { .user = user };
	size_t number = journal_add(caller->torture->journal, &entry);
	char path[120], key[80], mark[JOURNAL_MARK_SIZE], *body;
	const char *const headers[] = { key, NULL };
	struct http_answer answer;

	journal_mark(caller->client, number, mark);
	(void)snprintf(path, sizeof(path), "/v1/credit-accounts/%s/transactions",
	    torture_account(caller->torture, caller->client, user));
	(void)snprintf(key, sizeof(key), "Idempotency-Key: %s", mark);
	if (asprintf(&body, "{\"type\":\"%s\",\"description\":\"%s\"%s}", type, mark, members) < 0)
		abort();
	answer = send(caller, path, headers, body);
	take_answer(caller, number, type, &answer, &posted);
	if (posted.status == 201 && dice_chance(&caller->dice, REPEATED))
		repeat(caller, path, headers, body, &answer);
	http_free(&answer);
	free(body);
	return posted;
}

/* The amount is a member: of an adjustment with its sign. more: members behind it. */
static struct posted
post_amount(struct caller *caller, int user, const char *type, int64_t added, const char *more)
{
	bool is_signed = strcmp(type, "adjustment") == 0;
	char amount[MONEY_TEXT_SIZE], members[200];

	(void)snprintf(members, sizeof(members), ",\"amount\":%s%s",
	    money_format_scaled(added < 0 && !is_signed ? -added : added, 9, amount), more);
	return post(caller, user, type, added, members);
}

static int64_t
roll_amount(struct caller *caller, int64_t most)
{
	return (1 + dice_roll(&caller->dice, (int)most)) * UNIT;
}

static void
purchase(struct caller *caller)
{
	char more[60] = "";

	if (dice_chance(&caller->dice, 30))
		(void)snprintf(more, sizeof(more), ",\"expires_in\":%d,\"priority\":%d",
		    dice_chance(&caller->dice, 50) ? SHORT_S : 3600, dice_roll(&caller->dice, 100));
	(void)post_amount(caller, postings_choose_user(caller), "purchase",
	    roll_amount(caller, PURCHASE_MAX), more);
}

static void
use(struct caller *caller)
{
	int64_t amount = roll_amount(caller, USAGE_MAX);
	struct posted used =
	    post_amount(caller, postings_choose_user(caller), "usage", -amount, "");
	char more[80];

	if (used.status != 201 || dice_chance(&caller->dice, 70))
		return;
	(void)snprintf(more, sizeof(more), ",\"refunded_id\":\"%s\"", used.id);
	(void)post_amount(caller, used.user, "refund", roll_amount(caller, amount / UNIT), more);
}

/* Any of what was used. */
static void
refund(struct caller *caller)
{
	(void)post_amount(
	    caller, postings_choose_user(caller), "refund", roll_amount(caller, USAGE_MAX / 2), "");
}

static void
adjust(struct caller *caller)
{
	int64_t amount = roll_amount(caller, USAGE_MAX);

	(void)post_amount(caller, postings_choose_user(caller), "adjustment",
	    dice_chance(&caller->dice, 50) ? amount : -amount, "");
}

/* Held by hand, and used, given back or left: nobody else knows of it. */
static void
hold(struct caller *caller)
{
	int64_t amount = roll_amount(caller, USAGE_MAX);
	struct posted held = post_amount(
	    caller, postings_choose_user(caller), "hold", -amount, ",\"expires_in\":3600");
	int rolled = dice_roll(&caller->dice, 100);
	char more[80];

	if (held.status != 201 || rolled < 20)
		return;
	(void)snprintf(more, sizeof(more), ",\"hold_id\":\"%s\"", held.id);
	if (rolled < 60)
		(void)post_amount(
		    caller, held.user, "usage", -roll_amount(caller, amount / UNIT), more);
	else
		(void)post(caller, held.user, "release", amount, more);
}

void
postings_do(struct caller *caller)
{
	static const struct {
		int share; /* of a hundred */
		void (*act)(struct caller *caller);
	} acts[] = {
		{ 20, purchase },
		{ 40, use },
		{ 25, hold },
		{ 5, refund },
		{ 10, adjust },
	};
	int rolled = dice_roll(&caller->dice, 100), i = 0;

	for (; rolled >= acts[i].share; i++)
		rolled -= acts[i].share;
	acts[i].act(caller);
}
