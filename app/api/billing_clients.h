/*
 * /v1/billing/clients: what the clients are billed for a month, for operators.
 */
#ifndef APP_API_BILLING_CLIENTS_H
#define APP_API_BILLING_CLIENTS_H

#include "app/request.h"
#include "lib/json_read.h"

#define BILLING_CLIENTS_MAX 500
#define BILLING_CLIENTS_DEFAULT 50

extern const struct json_field billing_clients_fields[3];

bool billing_clients(struct request *req, struct reply *reply);

#endif
