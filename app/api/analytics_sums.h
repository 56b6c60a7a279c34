/*
 * What the answers about usage have in common: the sums of a group, and what they may be limited
 * to.
 */
#ifndef APP_API_ANALYTICS_SUMS_H
#define APP_API_ANALYTICS_SUMS_H

#include "lib/json_write.h"
#include "lib/model/usage.h"

/* The members of a group, in the order of enum usage_dimension. */
extern const char *const analytics_key_names[USAGE_DIMENSIONS];

/* Cost, calls, tokens, success rate and durations, within an object that is open. */
void analytics_write_sums(struct json_out *out, const struct usage_group *group);

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
