/*
 * /v1/analytics/dashboard: what a page needs at a glance, in one answer.
 */
#ifndef APP_API_ANALYTICS_DASHBOARD_H
#define APP_API_ANALYTICS_DASHBOARD_H

#include "app/request.h"

bool analytics_dashboard(struct request *req, struct reply *reply);

#endif
