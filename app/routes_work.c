/* The chapter of what calls are made for: agents, conversations, tools. */
#include "app/routes.h"

#include "app/api/usage_stats.h"

static const struct route rows[] = {
	{ "GET", "/v1/usage-stats/daily", usage_stats_daily, SCOPE_ANALYTICS,
	    QUERY(usage_stats_daily_fields), .bound = true, .status = 200,
	    .summary = "What a user has used by day, newest first; days without a call are not "
		       "there." },
};

const struct routes routes_work = { rows, COUNT(rows) };
