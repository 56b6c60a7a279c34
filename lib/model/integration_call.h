/*
 * Calling an integration, or an endpoint of one, to see whether it answers: the API asks for it,
 * and the job alerts does it.
 */
#ifndef LIB_MODEL_INTEGRATION_CALL_H
#define LIB_MODEL_INTEGRATION_CALL_H

#include "lib/model/integration.h"

#define INTEGRATION_CREDENTIAL_MAX 4096

/* Whether credentials hold what a call can send, in its form. ERR_INVALID on the field. */
NODISCARD bool integration_call_check(struct task *task, struct text credentials);

/*
 * Due from now on, unless one is due already: *ret_due_at is when. One that is on its way does not
 * stand for it. With a row in the audit log.
 * ERR_CONFLICT for an endpoint with a method that may change what is there.
 */
NODISCARD bool integration_call_ask(struct task *task, struct id id, int64_t *ret_due_at);
NODISCARD bool integration_call_ask_endpoint(
    struct task *task, const struct integration_endpoint *endpoint, int64_t *ret_due_at);

/* For the jobs, which see every client's. Texts live as long as the task. */
struct integration_call {
	struct id client;
	struct id id;
	bool of_endpoint; /* the id is an endpoint's */
	int64_t due_at;
	const char *method, *url;
	bool sealed; /* the credentials cannot be opened: nothing is to be sent */
	const char *header; /* a line; or NULL */
	const char *username, *password; /* or NULL */
};

/* The one that waits longest. *ret_any false: none waits. */
NODISCARD bool integration_call_next(
    struct task *task, struct integration_call *ret, bool *ret_any);
/* What came of it. One that was asked for meanwhile is still due. */
NODISCARD bool integration_call_done(
    struct task *task, const struct integration_call *call, const struct integration_test *test);

extern const char *const integration_call_statements[]; /* NULL behind the last, as below */
extern const char *const integration_call_job_statements[];

#endif
