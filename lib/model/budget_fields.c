/* The table of budgets. */
#include "lib/model/budget_private.h"

const char *const budget_unpriced_names[] = {
	[BUDGET_BLOCK] = "block",
	[BUDGET_ALLOW] = "allow",
	[BUDGET_FALLBACK] = "fallback",
	NULL,
};

const char *const budget_loss_names[] = {
	[BUDGET_CLOSED] = "closed",
	[BUDGET_OPEN] = "open",
	NULL,
};

static const int64_t no_limit = DECIDE_NO_LIMIT, no_rate = PRICE_NONE, no_hours = 0;

static const struct resource_group scope = {
	.name = "scope",
	.about =
	    "A call counts where it has every value given here; all calls where none is. Never "
	    "changed, as for each, window, rolling_hours and timezone.",
	.sparse = true,
};
static const struct resource_group override = {
	.name = "override",
	.about = "Raises limit_cents for a time.",
};

#define AT(member) offsetof(struct budget, member)
#define SCOPE_FIELD(member, kind, ...) \
	{ \
		BUDGET_SCOPE_ROW(struct budget, member, kind, __VA_ARGS__), .use = RESOURCE_ADD, \
									    .group = &scope \
	}
#define LIMIT_FIELD(field, kind, measure, what) \
	{ \
		{ .name = (field), \
			.type = (kind), \
			.offset = AT(limits[measure]), \
			.max = BUDGET_MAX, \
			.about = what " in a window; one limit is needed at least." }, \
		    .use = RESOURCE_ADD | RESOURCE_CHANGE | RESOURCE_CLEAR, .none = &no_limit \
	}

const struct resource_field budget_fields[BUDGET_FIELDS] = {
	{ { .name = "name",
	      .type = JSON_TEXT,
	      .offset = AT(name),
	      .required = true,
	      .min = 1,
	      .max = BUDGET_NAME_MAX,
	      .about = "Unique among the client's budgets." },
	    .use = RESOURCE_ADD | RESOURCE_CHANGE },
	SCOPE_FIELD(user_id, JSON_ID, .min = 0),
	{ { .name = "user_tier",
	      .type = JSON_CHOICE,
	      .offset = AT(scope.user_tier),
	      .given = AT(scope.has_user_tier),
	      .choices = user_tier_names },
	    .use = RESOURCE_ADD, .group = &scope },
	SCOPE_FIELD(api_key_id, JSON_ID,
	    .about = "Any key of a line: a key, and those it was rotated into, are one."),
	SCOPE_FIELD(session_id, JSON_ID, .min = 0),
	SCOPE_FIELD(agent_session_id, JSON_ID, .min = 0),
	SCOPE_FIELD(feature, JSON_TEXT, .min = 1, .max = BUDGET_FEATURE_MAX),
	SCOPE_FIELD(provider, JSON_TEXT, .min = 1, .max = PRICE_PROVIDER_MAX),
	SCOPE_FIELD(model, JSON_TEXT, .min = 1, .max = PRICE_MODEL_MAX),
	SCOPE_FIELD(tag, JSON_TEXT, .min = 1, .max = BUDGET_TAG_MAX),
	SCOPE_FIELD(
	    agent_root_id, JSON_ID, .about = "A whole tree of agent sessions, by its root."),
	{ { .name = "each",
	      .type = JSON_CHOICE,
	      .offset = AT(each),
	      .choices = budget_dimension_names,
	      .about = "One bucket with the full limit for each value of this." },
	    .use = RESOURCE_ADD, .column = "each_by" },
	{ { .name = "window",
	      .type = JSON_CHOICE,
	      .offset = AT(period),
	      .required = true,
	      .choices = period_names,
	      .about = "Weeks begin on Monday; total never ends. Calls that were purged before the "
		       "budget was made are not counted; those purged later are. "
		       "rolling is the last rolling_hours, which move in sixtieths of them." },
	    .use = RESOURCE_ADD, .column = "period" },
	{ { .name = "rolling_hours",
	      .type = JSON_INT,
	      .offset = AT(rolling_hours),
	      .min = 1,
	      .max = PERIOD_ROLLING_MAX_HOURS,
	      .about = "With the window rolling." },
	    .use = RESOURCE_ADD, .none = &no_hours },
	{ { .name = "timezone",
	      .type = JSON_TEXT,
	      .offset = AT(timezone),
	      .min = 1,
	      .max = ZONE_NAME_MAX,
	      .about = "IANA name of the zone in which windows begin." },
	    .use = RESOURCE_ADD, .absent = "The client's where not given." },
	LIMIT_FIELD("limit_cents", JSON_CENTS, BUDGET_COST, "Cents"),
	LIMIT_FIELD("limit_requests", JSON_INT, BUDGET_REQUESTS, "Calls"),
	LIMIT_FIELD("limit_tokens", JSON_INT, BUDGET_TOKENS, "Tokens"),
	{ { .name = "mode",
	      .type = JSON_CHOICE,
	      .offset = AT(mode),
	      .choices = decide_mode_names,
	      .about = "What is beyond the limit is refused (hard, the default), told (soft), or "
		       "only seen here (shadow)." },
	    .use = RESOURCE_ADD | RESOURCE_CHANGE },
	{ { .name = "thresholds",
	      .type = JSON_INTS,
	      .offset = AT(thresholds),
	      .max = BUDGET_THRESHOLDS_MAX,
	      .max_item = BUDGET_THRESHOLD_MAX,
	      .about = "Percent of a limit at which somebody is told." },
	    .use = RESOURCE_ADD | RESOURCE_CHANGE, .absent = "50, 80 and 100 where not given.",
	    .into = "?::integer[]", .from = "?::bigint[]" },
	{ { .name = "unpriced",
	      .type = JSON_CHOICE,
	      .offset = AT(unpriced),
	      .choices = budget_unpriced_names,
	      .about = "A call whose price is not known is refused (default where the mode is "
		       "hard), allowed (default elsewhere), or counted at fallback_rate." },
	    .use = RESOURCE_ADD | RESOURCE_CHANGE },
	{ { .name = "fallback_rate",
	      .type = JSON_RATE,
	      .offset = AT(fallback_rate),
	      .max = PRICE_RATE_MAX,
	      .about = "Dollars per 1,000,000 tokens; needed where unpriced is fallback." },
	    .use = RESOURCE_ADD | RESOURCE_CHANGE, .none = &no_rate },
	{ { .name = "on_counter_loss",
	      .type = JSON_CHOICE,
	      .offset = AT(loss),
	      .choices = budget_loss_names,
	      .about = "Whether calls are authorized while the counters are away; closed by "
		       "default where the mode is hard, else open." },
	    .use = RESOURCE_ADD | RESOURCE_CHANGE | RESOURCE_UNSHOWN },
	{ { .name = "amount_cents",
	      .type = JSON_CENTS,
	      .offset = AT(override_nanos),
	      .required = true,
	      .max = BUDGET_MAX,
	      .about = "Added to limit_cents." },
	    .use = RESOURCE_ADD | RESOURCE_CHANGE | RESOURCE_CLEAR, .group = &override,
	    .column = "override_cents" },
	{ { .name = "until",
	      .type = JSON_TIME,
	      .offset = AT(override_until),
	      .required = true,
	      .about = "From here on limit_cents alone holds again." },
	    .use = RESOURCE_ADD | RESOURCE_CHANGE | RESOURCE_CLEAR, .group = &override,
	    .column = "override_until" },
};
