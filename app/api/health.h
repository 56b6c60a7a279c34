/*
 * /healthz, /readyz, /metrics: what a balancer, a person and Prometheus ask.
 */
#ifndef APP_API_HEALTH_H
#define APP_API_HEALTH_H

#include "app/request.h"

/* The process answers. */
bool health_alive(struct request *req, struct reply *reply);
/* Each thing that the service stands on, and 503 when one fails. */
bool health_ready(struct request *req, struct reply *reply);
/* Only for peers on loopback and operator keys. */
bool health_metrics(struct request *req, struct reply *reply);

#endif
