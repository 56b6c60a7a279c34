/*
 * What a question in OpenAI's shapes asks, in terms of the rollups.
 */
#ifndef APP_API_ORGANIZATION_QUERY_H
#define APP_API_ORGANIZATION_QUERY_H

#include "app/request.h"
#include "lib/json_read.h"
#include "lib/model/usage.h"

enum organization_width { ORGANIZATION_DAY, ORGANIZATION_HOUR };
extern const char *const organization_width_names[]; /* NULL behind the last */

/* The parameters, as they are given. */
struct organization_input {
	int64_t start_time, end_time; /* seconds; end_time 0: now */
	int bucket_width; /* enum organization_width */
	struct json_texts group_by;
	struct json_texts project_ids, user_ids, models; /* only these; empty: all */
	int64_t limit; /* 0: as the width has it */
	const char *page; /* NULL: the first */
};

enum organization_group { ORGANIZATION_PROJECT, ORGANIZATION_MODEL, ORGANIZATION_USER };

struct organization_query {
	struct usage_query usage; /* by the model or user that groups or filters, or by none */
	bool by[ORGANIZATION_USER + 1]; /* what is told of a group */
	bool is_other; /* all projects that are asked for are others: there is nothing to tell */
	const char *next_page; /* NULL: there is none */
};

/* names: those that group_by may have, in the order of enum organization_group, NULL behind the
 * last. days_max: buckets of a page by day. */
NODISCARD bool organization_read(const struct request *req, const struct organization_input *input,
    const char *const *names, int64_t days_max, struct organization_query *ret);

/* The groups of each bucket, the filters applied. */
NODISCARD bool organization_find(const struct request *req, const struct organization_input *input,
    const struct organization_query *query, struct usage_groups *ret);

#endif
