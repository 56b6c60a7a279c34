/*
 * GET /v1/daily-costs/today: the day so far, from the counters.
 */
#ifndef APP_API_TODAY_H
#define APP_API_TODAY_H

#include "app/request.h"

bool today_find(struct request *req, struct reply *reply);

#endif
