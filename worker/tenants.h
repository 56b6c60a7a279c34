/*
 * Walking through all clients, in the order of their ids, a step of a job for each.
 *
 *	struct tenants tenants = { .context = context };
 *	while (tenants_next(&tenants))
 *		tenants_done(&tenants, step(context, &tenants.tenant, result));
 *	return tenants_end(&tenants);
 */
#ifndef WORKER_TENANTS_H
#define WORKER_TENANTS_H

#include "lib/zone.h"
#include "worker/command.h"

#define TENANTS_PORTION 200 /* read at a time */

struct tenant {
	struct id id;
	const char *name;
	const struct zone *zone;
	const char *timezone; /* its name, as long as name */
	int64_t log_retention_days; /* its own, or the setting; as below */
	int64_t message_retention_days;
	bool counted; /* it has counters */
};

struct tenants {
	struct command_context *context;
	/* Only these, sorted, each once; NULL: all. */
	const struct id *only;
	size_t only_count;
	struct tenant tenant; /* the one whose turn it is; its name lives until the next */
	/* the rest is tenants.c's */
	const struct db_rows *rows;
	int row;
	struct id last;
	size_t only_read;
	struct arena_mark portion, step;
	bool begun, stopped;
	int64_t failed;
};

/*
 * Gives back what the last step allocated, and makes the task the next client's: its client, its
 * own time. False at the end, and when the clients cannot be read.
 */
NODISCARD bool tenants_next(struct tenants *tenants);
/*
 * How the step ended; an open transaction is rolled back. A failure is told on standard error and
 * does not keep the other clients from their turn, unless a server is away: then all of them would
 * fail alike.
 */
void tenants_done(struct tenants *tenants, bool ok);
/* Whether all went well; the task's client is nil again. */
NODISCARD bool tenants_end(struct tenants *tenants);

#endif
