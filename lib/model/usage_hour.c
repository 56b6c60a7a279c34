#include "lib/model/usage_hour.h"

#define CENT_SCALE 7 /* nano-dollars */

const enum usage_dimension usage_hour_dimensions[USAGE_KEYS_MAX] = { USAGE_FEATURE,
	USAGE_AGENT_TYPE, USAGE_PROVIDER, USAGE_MODEL };

static const struct {
	const char *name;
	enum total total;
} columns[] = {
	{ "calls", TOTAL_REQUESTS },
	{ "failed_calls", TOTAL_FAILED },
	{ "unpriced_calls", TOTAL_UNPRICED },
	{ "tokens", TOTAL_TOKENS },
	{ "input_tokens", TOTAL_INPUT },
	{ "output_tokens", TOTAL_OUTPUT },
	{ "cached_input_tokens", TOTAL_CACHED },
	{ "cache_write_tokens", TOTAL_CACHE_WRITE },
	{ "reasoning_tokens", TOTAL_REASONING },
};
_Static_assert(COUNT(columns) == TOTAL_COUNT - 1, "a total without a column; cost has its own");

static void
write_latency(struct row *row, const char *name, int64_t ms)
{
	if (ms < 0)
		row_null(row, name);
	else
		row_int(row, name, ms);
}

void
usage_hour_write(
    struct row *row, struct id client, struct span hour, const struct usage_group *group)
{
	static const char *const none[USAGE_KEYS_MAX];
	const char *const *key = group->key != NULL ? group->key : none;

	row_id(row, "client_id", client);
	row_time(row, "since", hour.since);
	row_time(row, "until", hour.until);
	for (size_t i = 0; i < USAGE_KEYS_MAX; i++)
		row_text(row, usage_dimension_names[usage_hour_dimensions[i]], key[i]);
	row_decimal(row, "cost_cents", group->totals.at[TOTAL_COST], CENT_SCALE);
	for (size_t i = 0; i < COUNT(columns); i++)
		row_int(row, columns[i].name, group->totals.at[columns[i].total]);
	write_latency(row, "p50_ms", group->p50_ms);
	write_latency(row, "p95_ms", group->p95_ms);
	write_latency(row, "p99_ms", group->p99_ms);
	row_end(row);
}
