/*
 * /v1/organization: costs and usage in the shapes of OpenAI's admin API, for tools that read its
 * bill. Days and hours are those of UTC; a client is a project.
 *
 * The shapes: https://platform.openai.com/docs/api-reference/usage
 */
#ifndef APP_API_ORGANIZATION_H
#define APP_API_ORGANIZATION_H

#include "app/request.h"
#include "lib/json_read.h"

/* Buckets of a page, as OpenAI has them. */
#define ORGANIZATION_COSTS_MAX 180
#define ORGANIZATION_DAYS_MAX 31
#define ORGANIZATION_DAYS_DEFAULT 7
#define ORGANIZATION_HOURS_MAX 168
#define ORGANIZATION_HOURS_DEFAULT 24
#define ORGANIZATION_NAMES_MAX 100 /* that a page is limited to */
#define ORGANIZATION_RESULTS_MAX 20000 /* of a page */

extern const struct json_field organization_costs_fields[7];
extern const struct json_field organization_completions_fields[9];

bool organization_costs(struct request *req, struct reply *reply);
bool organization_completions(struct request *req, struct reply *reply);

#endif
