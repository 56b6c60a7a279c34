/*
 * Whose key a request presents and what it may do. Only the SHA-256 of a key is stored, and
 * compared in constant time.
 */
#ifndef APP_AUTH_H
#define APP_AUTH_H

#include "app/request.h"
#include "app/router.h"
#include "lib/address.h"
#include "lib/model/client.h"
#include "lib/zone.h"

struct identity {
	struct id key;
	struct id lineage; /* the first key of its line, under which it is counted */
	struct id client; /* nil for an operator's key */
	struct id user; /* nil: not bound to a user */
	uint64_t scopes; /* 1 << enum scope */
	uint8_t secret_hash[32];
	int64_t expires_at; /* INT64_MAX: never */
	int64_t rate_limit_per_hour; /* of requests; 0: none */
	const struct address_range *allowed; /* where it may come from; NULL: from anywhere */
	size_t allowed_count;
	const struct zone *zone; /* of the client */
	const char *timezone;
	int64_t log_retention_days; /* of the client, or the setting */
	enum client_credits credits; /* whose account pays for the client's calls */
	const char *public_id; /* of the key, as it was presented */
	const char *secret; /* as it was presented; for sealing answers, never logged */
};

/*
 * Sets req->identity and the task's client, user and operator_key. ERR_UNAUTHENTICATED, the same
 * for every reason; ERR_RATE when the key has used up its hourly rate or too many wrong keys came
 * from the address; ERR_FORBIDDEN naming the scope that is missing, when the key comes from an
 * address where it may not be used, or when it is bound to a user and the route is not for such
 * keys; ERR_UNAVAILABLE when the key is not cached and PostgreSQL is away.
 */
NODISCARD bool auth_check(struct request *req, enum scope scope);

#endif
