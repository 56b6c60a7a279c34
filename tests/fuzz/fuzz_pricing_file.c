/* A price file; what was taken is in order and in range. */
#include <assert.h>
#include <string.h>

#include "lib/model/pricing_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_rate(int64_t rate, bool given)
{
	assert((rate >= 0 && rate <= PRICE_RATE_MAX) || (!given && rate == PRICE_NONE));
}

static void
check_price(const struct price *price)
{
	const struct rates *rates = &price->rates;

	assert(price->model[0] != '\0' && strlen(price->model) <= PRICE_MODEL_MAX);
	assert(price->provider[0] != '\0' && strlen(price->provider) <= PRICE_PROVIDER_MAX);
	check_rate(rates->input, true);
	check_rate(rates->output, true);
	check_rate(rates->cached, false);
	check_rate(rates->cache_write, false);
	check_rate(rates->reasoning, false);
	check_rate(rates->tier_input, false);
	check_rate(rates->tier_output, false);
	check_rate(rates->tier_cached, false);
	check_rate(rates->tier_cache_write, false);
	check_rate(price->batch_input, false);
	check_rate(price->batch_output, false);
	assert(rates->tier_tokens >= 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct pricing_file file;
	struct task task;

	task_init(&task, arena);
	if (pricing_import_read(&task, (struct text){ (const char *)data, size }, &file)) {
		assert(file.count > 0);
		for (size_t i = 0; i < file.count; i++)
			check_price(&file.at[i]);
	} else {
		assert(task.err.code == ERR_SYNTAX);
		for (const char *c = task.err.text; *c != '\0'; c++)
			assert(*c >= ' ' && *c <= '~');
	}
	arena_free(arena);
	return 0;
}
