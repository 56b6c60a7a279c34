/*
 * The whole API, in chapters: start reading here. A row says who may call, what is taken and who
 * answers; the OpenAPI document is made from the same rows.
 */
#ifndef APP_ROUTES_H
#define APP_ROUTES_H

#include "app/router.h"

#define QUERY(table) .query = (table), .query_count = COUNT(table)
#define BODY(table) .body = (table), .body_count = COUNT(table)

struct routes {
	const struct route *at;
	size_t count;
};

extern const struct routes routes_records; /* with health, days, analytics, prompts */
extern const struct routes routes_money; /* budgets, authorizations, credits, webhooks */
extern const struct routes routes_people; /* users, sessions, tokens, clients */
extern const struct routes routes_work; /* what calls are made for: agents, conversations, tools */

#endif
