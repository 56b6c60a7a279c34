/*
 * /v1/budgets: limits on what may be spent in each window, and how much of them is left.
 */
#ifndef APP_API_BUDGETS_H
#define APP_API_BUDGETS_H

#include "app/request.h"

extern const struct json_field budgets_check_fields[11];

/* Behind the commit of a change. */
void budgets_changed(struct request *req);
bool budgets_status(struct request *req, struct reply *reply);
bool budgets_check(struct request *req, struct reply *reply);

#endif
