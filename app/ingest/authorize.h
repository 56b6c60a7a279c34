/*
 * An authorization on its way through the write path.
 */
#ifndef APP_INGEST_AUTHORIZE_H
#define APP_INGEST_AUTHORIZE_H

#include "app/ingest/ingest.h"
#include "lib/model/authorization.h"
#include "lib/model/budget_status.h"

enum refusal {
	REFUSAL_NONE,
	REFUSAL_COST, /* in the order of enum budget_measure */
	REFUSAL_REQUESTS,
	REFUSAL_TOKENS,
	REFUSAL_UNPRICED, /* a budget blocks calls whose price is not known */
	REFUSAL_NO_TOKENS, /* a budget limits tokens, and their number was not given */
	REFUSAL_AWAY, /* the counters are gone, and a budget is closed then */
	REFUSAL_CREDITS /* by the account that pays for the call: submission->credit says why */
};

struct authorize {
	struct authorization authorization; /* read by the handler */
	const char *external_user_id; /* the user is made when it is not there; or NULL */
	/* What the reservation said: every budget's bucket that applies, in no order; with this
	 * hold or, refused, without. */
	struct budget_status *statuses;
	size_t status_count;
	enum refusal refusal;
	const struct budget_status *refused; /* by whom */
	int64_t held_epoch; /* in which Redis holds it, before the commit; 0: it does not */
	int loads; /* how often it waited for its counters to be loaded */
};

/* Makes the 201 reply. Always true. */
bool authorize_answer(struct submission *submission);
/* Counts those of a list for the dashboard; before their requests are finished. task has this
 * thread's Redis. */
void authorize_count_refusals(struct task *task, const struct submission *list);
/* Finishes the request with its refusal. */
void authorize_refuse(struct submission *submission);

#endif
