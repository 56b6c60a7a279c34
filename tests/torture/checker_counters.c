/* The counters of days and budgets, and whether hard budgets hold. */
#include "tests/torture/checker_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/money.h"

static const char today_sql[] =
    "SELECT concat_ws(' ', trim_scale(coalesce(sum(coalesce(verified_cost_cents, "
    "estimated_cost_cents)), 0)), count(*), coalesce(sum(tokens_used), 0), "
    "count(DISTINCT user_id)) "
    "FROM chat_logs l JOIN clients c ON c.id = l.client_id WHERE c.name = '%s' "
    "AND (l.created_at AT TIME ZONE c.timezone)::date = (now() AT TIME ZONE c.timezone)::date";

/* Of a budget without a scope since its window began; of one bucket where a user is named. */
static const char spent_sql[] =
    "SELECT concat_ws(' ', trim_scale(coalesce(sum(coalesce(verified_cost_cents, "
    "estimated_cost_cents)), 0)), count(*)) "
    "FROM chat_logs l JOIN clients c ON c.id = l.client_id "
    "WHERE c.name = '%s' AND l.created_at >= '%s' AND ('%s' = '' OR l.user_id::text = '%s')";

struct question {
	const struct checker *checker;
	const struct checker_client *client;
	const char *path;
	bool counted; /* by Redis */
	struct http_answer answer;
};

/* A thread of tallyd may hold Redis for dead a little longer. */
static bool
is_answered(void *context)
{
	struct question *question = context;
	struct http http = { .url = servers_http_url(question->checker->servers),
		.key = question->client->key };
	const char *source;

	http_free(&question->answer);
	question->answer = http_send(&http, "GET", question->path, NULL, NULL);
	source = http_json(&question->answer, "source", 0);
	return question->answer.status == 200 &&
	       (!question->counted || (source != NULL && strcmp(source, "redis") == 0));
}

static bool
get(struct question *question, struct findings *findings)
{
	if (servers_await(is_answered, question))
		return true;
	checker_tell(findings, FINDING_REFUSED, 1, "GET %s: %ld %s", question->path,
	    question->answer.status, question->answer.body == NULL ? "" : question->answer.body);
	return false;
}

static void
check_today(
    const struct checker *checker, const struct checker_client *client, struct findings *findings)
{
	struct question question = { checker, client, "/v1/daily-costs/today", true, { 0 } };
	char *log = checker_ask(checker, today_sql, client->name), *counted;

	if (get(&question, findings)) {
		const struct http_answer *answer = &question.answer;

		if (asprintf(&counted, "%s %s %s %s", http_json(answer, "total_cost_cents", 0),
			http_json(answer, "total_requests", 1),
			http_json(answer, "total_tokens", 2),
			http_json(answer, "unique_users", 3)) < 0)
			abort();
		if (strcmp(counted, log) != 0)
			checker_tell(findings, FINDING_DRIFT, 1, "%s: counted %s, in the log %s",
			    client->name, counted, log);
		free(counted);
	}
	http_free(&question.answer);
	free(log);
}

/* A member in cents as nano-dollars; 0 where it is not there, or null. */
static int64_t
nanos(const struct http_answer *answer, const char *path, const char *name)
{
	char full[80];
	const char *text;
	int64_t value = 0;

	(void)snprintf(full, sizeof(full), "%s%s", path, name);
	text = http_json(answer, full, 7);
	if (text != NULL &&
	    money_parse_cents((struct text){ text, strlen(text) }, &value) != MONEY_OK)
		return 0;
	return value;
}

static bool
has(const struct http_answer *answer, const char *path, const char *name)
{
	char full[80];
	const char *text;

	(void)snprintf(full, sizeof(full), "%s%s", path, name);
	text = http_json(answer, full, 7);
	return text != NULL && strcmp(text, "null") != 0;
}

static bool
part_fits(const struct http_answer *status, const char *path)
{
	int64_t limit = nanos(status, has(status, path, "limit_cents") ? path : "", "limit_cents");

	return nanos(status, path, "spent_cents") + nanos(status, path, "held_cents") <= limit;
}

bool
checker_fits(const struct http_answer *status)
{
	const char *mode = http_json(status, "mode", 7);
	char path[32];

	if (mode == NULL || strcmp(mode, "hard") != 0)
		return true;
	if (!has(status, "", "each") && !part_fits(status, ""))
		return false;
	for (int i = 0;; i++) {
		(void)snprintf(path, sizeof(path), "buckets.%d.", i);
		if (!has(status, path, "bucket"))
			return true;
		if (!part_fits(status, path))
			return false;
	}
}

/* What one budget, or one bucket of it, says was spent, against the log. */
static void
check_spent(const struct question *question, const char *path, struct findings *findings)
{
	const struct http_answer *answer = &question->answer;
	const char *name = question->client->name;
	char member[80], bucket[80] = "", start[40], *log, *said;

	(void)snprintf(member, sizeof(member), "%sbucket", path);
	if (*path != '\0')
		(void)snprintf(bucket, sizeof(bucket), "%s", http_json(answer, member, 0));
	(void)snprintf(start, sizeof(start), "%s", http_json(answer, "window_start", 0));
	log = checker_ask(question->checker, spent_sql, name, start, bucket, bucket);
	(void)snprintf(member, sizeof(member), "%sspent_cents", path);
	if (asprintf(&said, "%s ", http_json(answer, member, 0)) < 0)
		abort();
	if (strncmp(log, said, strlen(said)) != 0)
		checker_tell(findings, FINDING_DRIFT, 1,
		    "%s: budget %s %s has spent %s, the log %s", name, question->path, bucket, said,
		    log);
	free(log);
	free(said);
}

/*
 * What each user of a client was promised: what its settled calls cost, and what was granted and
 * neither settled nor given back. Backwards: a record stands behind its authorization. Free it.
 */
static int64_t *
sum_promises(struct journal *journal, int client, int users)
{
	size_t count = journal_count(journal);
	int64_t *sums = calloc((size_t)users + 1, sizeof(*sums));
	char *settled = calloc(count + 1, 1);

	for (size_t i = count; i-- > 0;) {
		struct journal_entry entry = journal_find(journal, i);

		if (entry.client != client || entry.kind == JOURNAL_POSTING ||
		    entry.state != JOURNAL_ACKNOWLEDGED || settled[i])
			continue;
		sums[entry.user] += entry.nanos;
		if (entry.kind == JOURNAL_RECORD)
			settled[entry.authorization] = 1;
	}
	free(settled);
	return sums;
}

static void
check_promise(const struct question *question, int user, int64_t promised, int64_t limit,
    struct findings *findings)
{
	if (promised > limit)
		checker_tell(findings, FINDING_OVERSPENT, 1,
		    "%s, user %d: promised %" PRId64 " of %" PRId64, question->client->name, user,
		    promised, limit);
}

/* I3 from what the callers were told alone: what was allowed fits below the limit. */
static void
check_promises(const struct question *question, struct findings *findings)
{
	const struct checker *checker = question->checker;
	int client = (int)(question->client - checker->clients);
	int users = journal_users(checker->journal, client);
	int64_t *sums = sum_promises(checker->journal, client, users), total = 0;
	int64_t limit = nanos(&question->answer, "", "limit_cents");
	bool each = has(&question->answer, "", "each");

	for (int user = 0; user < users; user++) {
		total += sums[user];
		if (each)
			check_promise(question, user, sums[user], limit, findings);
	}
	if (!each)
		check_promise(question, -1, total, limit, findings);
	free(sums);
}

static void
check_budget(const struct checker *checker, const struct checker_client *client, const char *id,
    struct findings *findings)
{
	char path[80], bucket[32];
	struct question question = { checker, client, path, false, { 0 } };

	(void)snprintf(path, sizeof(path), "/v1/budgets/%s/status", id);
	if (!get(&question, findings))
		return;
	if (client->strict && !checker_fits(&question.answer))
		checker_tell(
		    findings, FINDING_OVERSPENT, 1, "%s: %s", client->name, question.answer.body);
	if (client->strict)
		check_promises(&question, findings);
	if (!has(&question.answer, "", "each"))
		check_spent(&question, "", findings);
	for (int i = 0;; i++) {
		(void)snprintf(bucket, sizeof(bucket), "buckets.%d.", i);
		if (!has(&question.answer, bucket, "bucket"))
			break;
		check_spent(&question, bucket, findings);
	}
	http_free(&question.answer);
}

static void
check_budgets(
    const struct checker *checker, const struct checker_client *client, struct findings *findings)
{
	struct question question = { checker, client, "/v1/budgets?limit=500", false, { 0 } };
	char path[32], id[40];

	if (!get(&question, findings))
		return;
	for (int i = 0;; i++) {
		(void)snprintf(path, sizeof(path), "data.%d.", i);
		if (!has(&question.answer, path, "id"))
			break;
		(void)snprintf(path, sizeof(path), "data.%d.id", i);
		(void)snprintf(id, sizeof(id), "%s", http_json(&question.answer, path, 0));
		check_budget(checker, client, id, findings);
	}
	http_free(&question.answer);
}

void
checker_counted(const struct checker *checker, struct findings *findings)
{
	if (checker_run_job(checker, "verify", findings) != 0)
		checker_tell(findings, FINDING_DRIFT, 1, "tally verify");
	for (size_t i = 0; i < checker->client_count; i++) {
		check_today(checker, &checker->clients[i], findings);
		check_budgets(checker, &checker->clients[i], findings);
	}
}

void
checker_counters(const struct checker *checker, struct findings *findings)
{
	findings->healed += checker_run_job(checker, "reconcile", findings) == CHECKER_JOB_FOUND;
	checker_counted(checker, findings);
}
