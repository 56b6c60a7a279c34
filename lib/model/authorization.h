/*
 * Authorizations: an amount held in budgets for a call that is about to be made, until the call's
 * record settles it, somebody voids it, or its time is over.
 *
 * Redis holds the amounts (lib/model/counter_hold.h); a row here is what they are rebuilt from.
 * Nothing here is ever counted as spent. Every call sees only the rows of task->client. Texts live
 * as long as the task.
 */
#ifndef LIB_MODEL_AUTHORIZATION_H
#define LIB_MODEL_AUTHORIZATION_H

#include "lib/db.h"
#include "lib/json_write.h"
#include "lib/model/budget_scope.h"

#define AUTHORIZATION_SECONDS_DEFAULT 600
#define AUTHORIZATION_SECONDS_MAX 3600
#define AUTHORIZATION_COST_MAX INT64_C(1000000000000000) /* nano-dollars: a million dollars */
#define AUTHORIZATION_TAGS_MAX 16

enum authorization_status {
	AUTHORIZATION_HELD,
	AUTHORIZATION_SETTLED,
	AUTHORIZATION_VOIDED,
	AUTHORIZATION_EXPIRED /* nobody settled it in time; a late settle still makes it settled */
};

struct authorization {
	struct id id; /* a UUIDv7 whose time is created_at */
	int64_t created_at; /* whole milliseconds */
	int64_t expires_at;
	struct budget_scope
	    scope; /* of the call; its tag is not used, for a call may have several */
	struct json_texts tags; /* at NULL where not given */
	int64_t held_nanos; /* CHAT_LOG_NONE: the call's price is not known */
	int64_t held_tokens; /* CHAT_LOG_NONE: not given */
	struct id model_pricing_id; /* of the quote; nil: max_cost_cents was given */
	int64_t settled_at; /* 0: not, as for voided_at */
	struct id settled_by; /* the record */
	int64_t cost_nanos; /* of that record; CHAT_LOG_NONE: not settled, or without a cost */
	int64_t voided_at;
	int64_t left_usec; /* of its life, by the clock of PostgreSQL: authorization_list_held() */
};

struct authorizations {
	const struct authorization *at;
	size_t count;
};

enum authorization_status authorization_status(
    const struct authorization *authorization, int64_t now);
/* What the record cost beyond what was held; 0 when not. */
int64_t authorization_excess(const struct authorization *authorization);

/*
 * Sets the tier of the call's user, if it has one. ERR_INVALID naming user_id or session_id where
 * the client has none such; user_is_made: the user may still be missing, and is anonymous then.
 * Ends the transaction.
 */
NODISCARD bool authorization_check_scope(
    struct task *task, bool user_is_made, struct budget_scope *scope);

NODISCARD bool authorization_find(struct task *task, struct id id, struct authorization *ret);
/* ERR_CONFLICT when it is settled. A second time, or past its time, changes nothing. */
NODISCARD bool authorization_void(struct task *task, struct id id, struct authorization *ret);
/* Those held by the clock of PostgreSQL, by id, after the given one: to rebuild the counters. */
NODISCARD bool authorization_list_held(
    struct task *task, struct id after, int64_t limit, struct authorizations *ret);

struct authorization_sum {
	int64_t count;
	int64_t held_nanos; /* without those whose price is not known */
	int64_t oldest_at; /* 0: nothing is held */
};
/* Of the same. */
NODISCARD bool authorization_sum_held(struct task *task, struct authorization_sum *ret);

/* Steps of the write path's transaction (lib/model/batch.h), for rows of many clients. */
struct authorization_row {
	struct id client;
	const struct authorization *authorization;
	const char *external_user_id; /* its user is made by batch_store(); or NULL */
};
/* The statement and its parameters that store the rows; count is not 0. */
struct db_step authorization_insert_step(
    struct task *task, const struct authorization_row *rows, size_t count);

/*
 * Records that name an authorization. A record that is in the log with its name settles it, the
 * first of them only; an authorization that is not there is none of our business: the money is
 * spent. Voided and expired ones are settled, too.
 */
struct authorization_settle {
	struct id client;
	struct id authorization;
	struct id record; /* its cost is read from the log */
};
/*
 * Behind the step that stores the records; count is not 0. Its rows are those that were settled:
 * the client, the authorization, whether the record cost more than was held.
 */
struct db_step authorization_settle_step(
    struct task *task, const struct authorization_settle *settles, size_t count);

/* Members of an open object. */
void authorization_write(
    struct json_out *out, const struct authorization *authorization, int64_t now);

/* Their SQL, for the tests; NULL behind the last. */
extern const char *const authorization_statements[];
extern const char *const authorization_step_statements[];

#endif
