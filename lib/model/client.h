/*
 * Clients: the tenants. Only operators and jobs see more than task->client's own row; the operator
 * itself (the nil client) is never shown.
 */
#ifndef LIB_MODEL_CLIENT_H
#define LIB_MODEL_CLIENT_H

#include "lib/model/resource.h"

#define CLIENT_NAME_MAX 80
#define CLIENT_RETENTION_MAX_DAYS 36500

enum client_plan { CLIENT_FREE, CLIENT_PRO, CLIENT_ENTERPRISE, CLIENT_PLANS };
extern const char *const client_plan_names[]; /* in the order of the enum, NULL behind the last */

/* Whose credit account pays for calls. */
enum client_credits { CLIENT_CREDITS_OFF, CLIENT_CREDITS_USER, CLIENT_CREDITS_CLIENT };
extern const char *const client_credits_names[]; /* the same */

struct client {
	struct resource_head head;
	const char *name;
	int plan; /* enum client_plan */
	const char *timezone; /* IANA name */
	int credits; /* enum client_credits */
	int64_t log_retention_days; /* RESOURCE_NONE: as the settings say; as below */
	int64_t message_retention_days;
	int64_t deactivated_at; /* 0: active */
};

extern const struct resource client_resource;

/* Its keys stop working as soon as every tallyd has heard of it. A second time changes nothing. */
NODISCARD bool client_deactivate(struct task *task, struct id id, struct client *ret);

extern const char *const client_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
