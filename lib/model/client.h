/*
 * Clients: the tenants. Only operators and jobs see more than task->client's own row; the operator
 * itself (the nil client) is never shown. Texts live as long as the task.
 */
#ifndef LIB_MODEL_CLIENT_H
#define LIB_MODEL_CLIENT_H

#include "lib/db.h"
#include "lib/json_write.h"

#define CLIENT_NAME_MAX 80
#define CLIENT_RETENTION_MAX_DAYS 36500

enum client_plan {
	CLIENT_FREE,
	CLIENT_PRO,
	CLIENT_ENTERPRISE,
	CLIENT_PLANS,
	CLIENT_ANY_PLAN = CLIENT_PLANS
};
extern const char *const client_plan_names[]; /* in the order of the enum, NULL behind the last */

struct client {
	struct id id;
	const char *name;
	enum client_plan plan;
	const char *timezone; /* IANA name */
	int64_t log_retention_days; /* 0: as the settings say */
	int64_t created_at;
	int64_t updated_at;
	int64_t deactivated_at; /* 0: active */
};

struct clients {
	const struct client *at;
	size_t count;
};

/* What client_add and client_change take; NULL, 0 and has_plan false: not given. */
struct client_input {
	const char *name;
	int plan; /* enum client_plan */
	bool has_plan;
	const char *timezone;
	int64_t log_retention_days;
};

struct client_filter {
	int plan; /* enum client_plan; CLIENT_ANY_PLAN: all */
	struct id after; /* the last id of the page before; nil: from the start */
	int64_t limit;
};

/* ERR_INVALID naming a timezone that does not exist. The calls that change write the audit log. */
NODISCARD bool client_add(struct task *task, const struct client_input *input, struct client *ret);
/* ERR_NOT_FOUND for a deleted client too, also in the calls below. */
NODISCARD bool client_find(struct task *task, struct id id, struct client *ret);
/* By descending id. */
NODISCARD bool client_list(
    struct task *task, const struct client_filter *filter, struct clients *ret);
NODISCARD bool client_change(
    struct task *task, struct id id, const struct client_input *input, struct client *ret);
/* Its keys stop working as soon as every tallyd has heard of it. A second time changes nothing. */
NODISCARD bool client_deactivate(struct task *task, struct id id, struct client *ret);

/* By plan, deactivated ones too. */
NODISCARD bool client_count(struct task *task, int64_t ret_by_plan[CLIENT_PLANS]);

void client_write(struct json_out *out, const void *object); /* struct client */

extern const char *const client_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
