/* Budgets as JSON: what comes in, what goes out. */
#include "lib/model/budget.h"

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

#define INPUT(member) offsetof(struct budget_input, member)

static const struct json_field scope_fields[BUDGET_DIMENSIONS] = {
	BUDGET_SCOPE_FIELDS(struct budget_input),
};

static const struct json_field override_fields[] = {
	{ .name = "amount_cents",
	    .type = JSON_CENTS,
	    .offset = INPUT(override_nanos),
	    .required = true,
	    .max = BUDGET_MAX,
	    .about = "Added to limit_cents." },
	{ .name = "until",
	    .type = JSON_TIME,
	    .offset = INPUT(override_until),
	    .required = true,
	    .about = "From here on limit_cents alone holds again." },
};

#define NAME_FIELD(is_required) \
	{ \
		.name = "name", .type = JSON_TEXT, .offset = INPUT(name), .given = JSON_ALWAYS, \
		.required = (is_required), .min = 1, .max = BUDGET_NAME_MAX, \
		.about = "Unique among the client's budgets." \
	}
#define LIMIT_FIELD(field, kind, measure, what) \
	{ \
		.name = (field), .type = (kind), .offset = INPUT(limits[measure]), \
		.given = INPUT(has_limits[measure]), .nulled = INPUT(no_limits[measure]), \
		.max = BUDGET_MAX, .about = what " in a window; one limit is needed at least." \
	}
#define CHANGEABLE_FIELDS \
	LIMIT_FIELD("limit_cents", JSON_CENTS, BUDGET_COST, "Cents"), \
	    LIMIT_FIELD("limit_requests", JSON_INT, BUDGET_REQUESTS, "Calls"), \
	    LIMIT_FIELD("limit_tokens", JSON_INT, BUDGET_TOKENS, "Tokens"), \
	    { .name = "mode", \
		    .type = JSON_CHOICE, \
		    .offset = INPUT(mode), \
		    .given = INPUT(has_mode), \
		    .choices = decide_mode_names, \
		    .about = "What is beyond the limit is refused (hard, the default), told " \
			     "(soft), or only seen here (shadow)." }, \
	    { .name = "thresholds", \
		    .type = JSON_INTS, \
		    .offset = INPUT(thresholds), \
		    .given = INPUT(has_thresholds), \
		    .max = BUDGET_THRESHOLDS_MAX, \
		    .max_item = BUDGET_THRESHOLD_MAX, \
		    .about = "Percent of a limit at which somebody is told; 50, 80 and 100 " \
			     "where not given." }, \
	    { .name = "unpriced", \
		    .type = JSON_CHOICE, \
		    .offset = INPUT(unpriced), \
		    .given = INPUT(has_unpriced), \
		    .choices = budget_unpriced_names, \
		    .about = "A call whose price is not known is refused (default where the " \
			     "mode is hard), allowed (default elsewhere), or counted at " \
			     "fallback_rate." }, \
	    { .name = "fallback_rate", \
		    .type = JSON_RATE, \
		    .offset = INPUT(fallback_rate), \
		    .given = INPUT(has_fallback_rate), \
		    .max = PRICE_RATE_MAX, \
		    .about = "Dollars per 1,000,000 tokens; needed where unpriced is fallback." }, \
	    { .name = "on_counter_loss", \
		    .type = JSON_CHOICE, \
		    .offset = INPUT(on_counter_loss), \
		    .given = INPUT(has_on_counter_loss), \
		    .choices = budget_loss_names, \
		    .about = "Whether calls are authorized while the counters are away; closed " \
			     "by default where the mode is hard, else open." }, \
	{ \
		.name = "override", .type = JSON_GROUP, .given = INPUT(has_override), \
		.nulled = INPUT(no_override), .inside = override_fields, \
		.inside_count = COUNT(override_fields), .about = "Raises limit_cents for a time." \
	}

const struct json_field budget_add_fields[15] = {
	NAME_FIELD(true),
	{ .name = "scope",
	    .type = JSON_GROUP,
	    .inside = scope_fields,
	    .inside_count = COUNT(scope_fields),
	    .about = "A call counts where it has every value given here; all calls where none is. "
		     "Never changed, as for each, window, rolling_hours and timezone." },
	{ .name = "each",
	    .type = JSON_CHOICE,
	    .offset = INPUT(each),
	    .given = INPUT(has_each),
	    .choices = budget_dimension_names,
	    .about = "One bucket with the full limit for each value of this." },
	{ .name = "window",
	    .type = JSON_CHOICE,
	    .offset = INPUT(period),
	    .required = true,
	    .choices = period_names,
	    .about = "Weeks begin on Monday; total never ends. Calls that were purged before the "
		     "budget was made are not counted; those purged later are. "
		     "rolling is the last rolling_hours, which move in sixtieths of them." },
	{ .name = "rolling_hours",
	    .type = JSON_INT,
	    .offset = INPUT(rolling_hours),
	    .min = 1,
	    .max = PERIOD_ROLLING_MAX_HOURS,
	    .about = "With the window rolling." },
	{ .name = "timezone",
	    .type = JSON_TEXT,
	    .offset = INPUT(timezone),
	    .min = 1,
	    .max = ZONE_NAME_MAX,
	    .about =
		"IANA name of the zone in which windows begin; the client's where not given." },
	CHANGEABLE_FIELDS,
};

const struct json_field budget_change_fields[10] = {
	NAME_FIELD(false),
	CHANGEABLE_FIELDS,
};

static void
write_limit(struct json_out *out, const char *key, int64_t limit)
{
	if (limit == DECIDE_NO_LIMIT)
		json_null(out, key);
	else
		json_int(out, key, limit);
}

static void
write_limits(struct json_out *out, const struct budget *budget)
{
	if (budget->limits[BUDGET_COST] == DECIDE_NO_LIMIT)
		json_null(out, "limit_cents");
	else
		json_cents(out, "limit_cents", budget->limits[BUDGET_COST]);
	write_limit(out, "limit_requests", budget->limits[BUDGET_REQUESTS]);
	write_limit(out, "limit_tokens", budget->limits[BUDGET_TOKENS]);
}

static void
write_override(struct json_out *out, const struct budget *budget)
{
	if (budget->override_until == 0) {
		json_null(out, "override");
		return;
	}
	json_open_at(out, "override");
	json_cents(out, "amount_cents", budget->override_nanos);
	json_time(out, "until", budget->override_until);
	json_close(out);
}

void
budget_write(struct json_out *out, const void *object)
{
	const struct budget *budget = object;

	json_open(out);
	json_id(out, "id", budget->id);
	json_text(out, "name", budget->name);
	budget_scope_write(out, "scope", &budget->scope);
	json_text(out, "each", budget_dimension_names[budget->each]);
	json_text(out, "window", period_names[budget->period]);
	if (budget->rolling_hours == 0)
		json_null(out, "rolling_hours");
	else
		json_int(out, "rolling_hours", budget->rolling_hours);
	json_text(out, "timezone", budget->timezone);
	write_limits(out, budget);
	json_text(out, "mode", decide_mode_names[budget->mode]);
	json_ints(out, "thresholds", budget->thresholds);
	json_text(out, "unpriced", budget_unpriced_names[budget->unpriced]);
	if (budget->fallback_rate == PRICE_NONE)
		json_null(out, "fallback_rate");
	else
		json_rate(out, "fallback_rate", budget->fallback_rate);
	json_text(out, "on_counter_loss", budget_loss_names[budget->on_counter_loss]);
	write_override(out, budget);
	json_time(out, "created_at", budget->created_at);
	json_time(out, "updated_at", budget->updated_at);
	json_close(out);
}
