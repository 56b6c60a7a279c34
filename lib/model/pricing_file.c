/* Reading of price files (pricing_import.h). */
#include <stdlib.h>
#include <string.h>

#include "lib/json_read.h"
#include "lib/model/pricing_import.h"
#include "lib/money.h"

#define PICO_SCALE 12
#define MODE_MAX 1000
#define NAME_MAX_CHARACTERS 1000

/* Rates in dollars per token. Those with a tier also come as "NAME_above_200k_tokens". */
static const struct {
	const char *name;
	size_t offset;
	size_t tier_offset; /* 0: has none */
} rates[] = {
	{ "input_cost_per_token", offsetof(struct price, rates.input),
	    offsetof(struct price, rates.tier_input) },
	{ "output_cost_per_token", offsetof(struct price, rates.output),
	    offsetof(struct price, rates.tier_output) },
	{ "cache_read_input_token_cost", offsetof(struct price, rates.cached),
	    offsetof(struct price, rates.tier_cached) },
	{ "cache_creation_input_token_cost", offsetof(struct price, rates.cache_write),
	    offsetof(struct price, rates.tier_cache_write) },
	{ "output_cost_per_reasoning_token", offsetof(struct price, rates.reasoning), 0 },
	{ "input_cost_per_token_batches", offsetof(struct price, batch_input), 0 },
	{ "output_cost_per_token_batches", offsetof(struct price, batch_output), 0 },
};

/* Everything else is priced by the image, the second, the character or the query. */
static const char *const token_modes[] = { "chat", "completion", "responses", "embedding",
	"realtime" };

struct head {
	const char *provider;
	const char *mode;
};

static const struct json_field head_fields[] = {
	{ .name = "litellm_provider",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct head, provider),
	    .given = JSON_ALWAYS,
	    .max = NAME_MAX_CHARACTERS },
	{ .name = "mode",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct head, mode),
	    .given = JSON_ALWAYS,
	    .max = MODE_MAX },
};

/* The file's bytes do not go into the sentence unless they are ASCII. */
static bool
broken(struct task *task, const char *model, const char *why)
{
	char *name = arena_strdup(task->arena, model);

	for (char *c = name; *c != '\0'; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
	task_clear_error(task);
	return task_fail(task, ERR_SYNTAX, "the price file is broken: model %.80s %s", name, why);
}

static bool
is_token_mode(const char *mode)
{
	for (size_t i = 0; mode != NULL && i < COUNT(token_modes); i++) {
		if (strcmp(mode, token_modes[i]) == 0)
			return true;
	}
	return mode == NULL;
}

/* "_above_200k_tokens" is 200000; 0 for anything else. */
static int64_t
read_tier(struct text suffix)
{
	static const char begin[] = "_above_", end[] = "k_tokens";
	size_t digits;
	int64_t tokens = 0;

	if (suffix.len <= strlen(begin) + strlen(end) ||
	    memcmp(suffix.at, begin, strlen(begin)) != 0 ||
	    memcmp(suffix.at + suffix.len - strlen(end), end, strlen(end)) != 0)
		return 0;
	digits = suffix.len - strlen(begin) - strlen(end);
	if (digits > 6)
		return 0;
	for (size_t i = 0; i < digits; i++) {
		char c = suffix.at[strlen(begin) + i];

		if (c < '0' || c > '9')
			return 0;
		tokens = tokens * 10 + (c - '0');
	}
	return tokens * 1000;
}

static bool
read_rate(struct task *task, const char *model, struct text value, int64_t *ret,
    struct pricing_file *file)
{
	if (value.len == 4 && memcmp(value.at, "null", 4) == 0)
		return true;
	file->rounded += money_parse_scaled(value, PICO_SCALE, ret) == MONEY_TOO_PRECISE;
	if (money_parse_rounded(value, PICO_SCALE, ret) != MONEY_OK || *ret < 0 ||
	    *ret > PRICE_RATE_MAX)
		return broken(task, model, "has a rate that is no number from 0 to 1");
	return true;
}

/* A price has one tier: where a file gives several, the lowest counts, as it begins first. */
static bool
enter_tier(struct rates *to, int64_t tokens)
{
	if (tokens == 0 || (to->tier_tokens != 0 && to->tier_tokens < tokens))
		return false;
	if (to->tier_tokens != tokens)
		to->tier_input = to->tier_output = to->tier_cached = to->tier_cache_write =
		    PRICE_NONE;
	to->tier_tokens = tokens;
	return true;
}

/* The place of the member's rate in the price; NULL: it is none that counts. */
static int64_t *
find_rate(struct text name, struct price *price)
{
	for (size_t i = 0; i < COUNT(rates); i++) {
		size_t len = strlen(rates[i].name);
		struct text suffix;

		if (name.len < len || memcmp(name.at, rates[i].name, len) != 0)
			continue;
		if (name.len == len)
			return (int64_t *)((char *)price + rates[i].offset);
		suffix = (struct text){ .at = name.at + len, .len = name.len - len };
		if (rates[i].tier_offset != 0 && enter_tier(&price->rates, read_tier(suffix)))
			return (int64_t *)((char *)price + rates[i].tier_offset);
	}
	return NULL;
}

static bool
read_rates(struct task *task, struct text body, struct price *price, struct pricing_file *file)
{
	struct json_items members = { .rest = body };
	struct text name, value;

	while (json_next_member(task, &members, &name, &value)) {
		int64_t *rate = find_rate(name, price);

		if (rate != NULL && !read_rate(task, price->model, value, rate, file))
			return false;
	}
	return task->err.code == ERR_NONE;
}

/* "azure/gpt-4o" of the provider azure is called gpt-4o there. */
static const char *
strip_provider(const char *name, const char *provider)
{
	size_t len = strlen(provider);

	if (strncmp(name, provider, len) == 0 && name[len] == '/' && name[len + 1] != '\0')
		return name + len + 1;
	return name;
}

/* *ret_taken false: the model is none that is priced by the token. */
static bool
read_model(struct task *task, struct text name, struct text body, struct price *ret,
    struct pricing_file *file, bool *ret_taken)
{
	struct head head = { 0 };
	struct price price = { .provider = NULL };

	*ret_taken = false;
	if (!json_read_some(task, body, head_fields, COUNT(head_fields), &head))
		return broken(
		    task, name.at, "is no object with litellm_provider and mode as texts");
	if (!is_token_mode(head.mode)) {
		file->other_modes++;
		return true;
	}
	if (head.provider == NULL || head.provider[0] == '\0')
		return broken(task, name.at, "has no litellm_provider");
	price.provider = head.provider;
	price.model = strip_provider(name.at, head.provider);
	if (strlen(price.model) > PRICE_MODEL_MAX || strlen(price.provider) > PRICE_PROVIDER_MAX ||
	    price.model[0] == '\0')
		return broken(task, name.at, "has a name that is empty or too long");
	price.source = PRICING_IMPORT_SOURCE;
	price.batch_input = price.batch_output = PRICE_NONE;
	price.rates = (struct rates){ PRICE_NONE, PRICE_NONE, PRICE_NONE, PRICE_NONE, PRICE_NONE, 0,
		PRICE_NONE, PRICE_NONE, PRICE_NONE, PRICE_NONE };
	if (!read_rates(task, body, &price, file))
		return false;
	*ret_taken = price.rates.input != PRICE_NONE && price.rates.output != PRICE_NONE;
	file->unpriced += !*ret_taken;
	*ret = price;
	return true;
}

static int
compare(const void *a, const void *b)
{
	const struct price *left = a, *right = b;
	int order = strcmp(left->provider, right->provider);

	if (order == 0)
		order = strcmp(left->model, right->model);
	/* Of the same model the one that came first in the file stays first. */
	return order != 0 ? order
			  : (left->valid_from > right->valid_from) -
				(left->valid_from < right->valid_from);
}

static size_t
sort_once(struct price *prices, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		prices[i].valid_from = (int64_t)i;
	qsort(prices, count, sizeof(*prices), compare);
	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && strcmp(prices[kept - 1].provider, prices[i].provider) == 0 &&
		    strcmp(prices[kept - 1].model, prices[i].model) == 0)
			continue;
		prices[kept++] = prices[i];
	}
	return kept;
}

static size_t
count_members(struct task *task, struct text body)
{
	struct json_items members = { .rest = body };
	struct text name, value;
	size_t count = 0;

	while (json_next_member(task, &members, &name, &value))
		count++;
	return count;
}

bool
pricing_import_read(struct task *task, struct text body, struct pricing_file *ret)
{
	struct json_items members = { .rest = body };
	struct pricing_file file = { 0 };
	struct text name, value;
	struct price *prices;
	size_t count = 0;
	bool taken;

	if (!json_read_some(task, body, NULL, 0, NULL))
		return false;
	prices = arena_array(task->arena, count_members(task, body), sizeof(*prices));
	while (json_next_member(task, &members, &name, &value)) {
		if (!read_model(task, name, value, &prices[count], &file, &taken))
			return false;
		count += taken;
	}
	if (task->err.code != ERR_NONE)
		return false;
	if (count == 0)
		return task_fail(task, ERR_SYNTAX, "the price file has no model with a price");
	file.at = prices;
	file.count = sort_once(prices, count);
	file.repeated = (int64_t)(count - file.count);
	*ret = file;
	return true;
}
