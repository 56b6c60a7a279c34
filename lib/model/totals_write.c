#include "lib/model/totals_write.h"

static const struct {
	const char *name;
	enum total total;
} members[] = {
	{ "calls", TOTAL_REQUESTS },
	{ "failed_calls", TOTAL_FAILED },
	{ "unpriced_calls", TOTAL_UNPRICED },
	{ "total_tokens", TOTAL_TOKENS },
	{ "input_tokens", TOTAL_INPUT },
	{ "output_tokens", TOTAL_OUTPUT },
	{ "cached_input_tokens", TOTAL_CACHED },
	{ "cache_write_tokens", TOTAL_CACHE_WRITE },
	{ "reasoning_tokens", TOTAL_REASONING },
};

void
totals_write(struct json_out *out, const struct totals *totals)
{
	json_cents(out, "cost_cents", totals->at[TOTAL_COST]);
	for (size_t i = 0; i < COUNT(members); i++)
		json_int(out, members[i].name, totals->at[members[i].total]);
}
