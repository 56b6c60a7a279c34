/*
 * The whole API: start reading here. A row says who may call, what is taken and who answers; the
 * OpenAPI document is made from the same rows.
 */
#include "app/api/health.h"
#include "app/router.h"

#define QUERY(table) .query = (table), .query_count = COUNT(table)
#define BODY(table) .body = (table), .body_count = COUNT(table)

const struct route routes[] = {
	{ "GET", "/healthz", health_alive, SCOPE_NONE, .status = 200,
	    .summary = "Whether the process answers." },
	{ "GET", "/readyz", health_ready, SCOPE_NONE, .status = 200,
	    .summary = "Whether all that the service stands on is well; 503 names what is not." },
	{ "GET", "/metrics", health_metrics, SCOPE_NONE, .status = 200,
	    .summary = "Counters in the Prometheus text format, for loopback and operators." },
};

const size_t route_count = COUNT(routes);
