/*
 * What questions about usage have in common: the time, and what they are limited to.
 */
#ifndef APP_API_ANALYTICS_INPUT_H
#define APP_API_ANALYTICS_INPUT_H

#include "lib/json_read.h"
#include "lib/model/usage.h"

/* In this time the offset of every zone is a whole number of quarter-hours. */
#define ANALYTICS_FIRST (INT64_C(946684800) * 1000000) /* 2000-01-01 */
#define ANALYTICS_LAST (INT64_C(4102444800) * 1000000) /* 2100-01-01 */

/* Members of a query struct; the rows of its table name them. Each is a time, or a date for where
 * the day begins; NULL: not given. */
struct analytics_range {
	const char *since, *until;
};
#define ANALYTICS_TIME(query, range, key, member, text) \
	{ \
		.name = (key), .type = JSON_TEXT, .offset = offsetof(query, range.member), \
		.given = JSON_ALWAYS, .min = 1, .max = 40, \
		.about = "A time, or a date of the client's zone for its beginning. " text \
	}

/* What is not given: now, and so long before. zone: of dates; NULL: UTC. ERR_INVALID on "since" or
 * "until". */
NODISCARD bool analytics_read_range(struct task *task, const struct zone *zone,
    const struct analytics_range *range, int64_t usec, struct span *ret);

/* Members of a query struct; ANALYTICS_ONLY_FIELDS puts their rows into its table. */
struct analytics_only {
	const char *at[USAGE_DIMENSIONS]; /* user stands in the next */
	struct id user;
};
#define ANALYTICS_ONLY_TEXT(query, only, key, dimension, most) \
	{ \
		.name = (key), .type = JSON_TEXT, .offset = offsetof(query, only.at[dimension]), \
		.given = JSON_ALWAYS, .min = 1, .max = (most) \
	}
#define ANALYTICS_ONLY_FIELDS(query, only) \
	ANALYTICS_ONLY_TEXT(query, only, "feature", USAGE_FEATURE, 80), \
	    ANALYTICS_ONLY_TEXT(query, only, "agent_type", USAGE_AGENT_TYPE, 80), \
	    ANALYTICS_ONLY_TEXT(query, only, "provider", USAGE_PROVIDER, 80), \
	    ANALYTICS_ONLY_TEXT(query, only, "model", USAGE_MODEL, 160), \
	    { .name = "user_id", \
		    .type = JSON_ID, \
		    .offset = offsetof(query, only.user), \
		    .given = JSON_ALWAYS, \
		    .about = "By itself, or with group_by=user." }, \
	{ \
		.name = "tag", .type = JSON_TEXT, .offset = offsetof(query, only.at[USAGE_TAG]), \
		.given = JSON_ALWAYS, .min = 1, .max = 64, \
		.about = "By itself, or with group_by=tag." \
	}

/* Behind query->by: ERR_INVALID naming what the rollups do not know of each other. */
NODISCARD bool analytics_read_only(
    struct task *task, const struct analytics_only *only, struct usage_query *query);

#endif
