/*
 * /healthz, /readyz, /metrics: what a balancer, a person and Prometheus ask.
 */
#ifndef APP_API_HEALTH_H
#define APP_API_HEALTH_H

#include "app/request.h"

/* The newest migration that this program needs. */
#define HEALTH_MIGRATION "20261121000900"
#define HEALTH_FLUSH_AGE_MAX_S 600

/* The process answers. */
bool health_alive(struct request *req, struct reply *reply);
/* Each thing that the service stands on, and 503 when one fails. */
bool health_ready(struct request *req, struct reply *reply);
/* Only for peers on loopback and operator keys. */
bool health_metrics(struct request *req, struct reply *reply);

extern const char *const health_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
