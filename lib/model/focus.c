#include "lib/model/focus.h"

#include "lib/json_write.h"

#define DOLLAR_SCALE 9 /* nano-dollars */

const enum usage_dimension focus_dimensions[USAGE_KEYS_MAX] = { USAGE_FEATURE, USAGE_AGENT_TYPE,
	USAGE_PROVIDER, USAGE_MODEL };

enum key { KEY_FEATURE, KEY_AGENT_TYPE, KEY_PROVIDER, KEY_MODEL };

/* What the rows differ in. */
struct charge {
	int64_t cost_nanos;
	const char *category, *class, *description, *frequency;
	const char *provider, *service, *sku;
	const char *unit; /* NULL: there is no quantity */
	int64_t quantity;
	struct text tags; /* at NULL: none */
	const struct totals *totals; /* NULL: of an adjustment */
	struct id adjustment;
};

static const struct {
	const char *name;
	enum total total;
} columns[] = {
	{ "x_InputTokens", TOTAL_INPUT },
	{ "x_CachedInputTokens", TOTAL_CACHED },
	{ "x_CacheWriteTokens", TOTAL_CACHE_WRITE },
	{ "x_OutputTokens", TOTAL_OUTPUT },
	{ "x_ReasoningTokens", TOTAL_REASONING },
	{ "x_Calls", TOTAL_REQUESTS },
	{ "x_FailedCalls", TOTAL_FAILED },
	{ "x_UnpricedCalls", TOTAL_UNPRICED },
};

static void
write_cost(struct row *row, const char *name, const struct charge *charge)
{
	row_decimal(row, name, charge->cost_nanos, DOLLAR_SCALE);
}

static void
write_quantity(struct row *row, const char *name, const struct charge *charge)
{
	if (charge->unit == NULL)
		row_null(row, name);
	else
		row_int(row, name, charge->quantity);
}

static void
write_own(struct row *row, const struct charge *charge)
{
	row_id(row, "x_AdjustmentId", charge->adjustment);
	for (size_t i = 0; i < COUNT(columns); i++) {
		if (charge->totals == NULL)
			row_null(row, columns[i].name);
		else
			row_int(row, columns[i].name, charge->totals->at[columns[i].total]);
	}
}

/* By the alphabet, then what is ours. */
static void
write_charge(struct row *row, const struct focus_bill *bill, const struct charge *charge)
{
	write_cost(row, "BilledCost", charge);
	row_id(row, "BillingAccountId", bill->client);
	row_text(row, "BillingAccountName", bill->client_name);
	row_text(row, "BillingCurrency", "USD");
	row_time(row, "BillingPeriodEnd", bill->month.end);
	row_time(row, "BillingPeriodStart", bill->month.start);
	row_text(row, "ChargeCategory", charge->category);
	row_text(row, "ChargeClass", charge->class);
	row_text(row, "ChargeDescription", charge->description);
	row_text(row, "ChargeFrequency", charge->frequency);
	row_time(row, "ChargePeriodEnd", bill->day.end);
	row_time(row, "ChargePeriodStart", bill->day.start);
	write_quantity(row, "ConsumedQuantity", charge);
	row_text(row, "ConsumedUnit", charge->unit);
	write_cost(row, "ContractedCost", charge);
	write_cost(row, "EffectiveCost", charge);
	row_text(row, "InvoiceIssuerName", charge->provider);
	write_cost(row, "ListCost", charge);
	write_quantity(row, "PricingQuantity", charge);
	row_text(row, "PricingUnit", charge->unit);
	row_text(row, "ProviderName", charge->provider);
	row_text(row, "PublisherName", charge->provider);
	row_null(row, "RegionId");
	row_null(row, "ResourceId");
	row_text(row, "ServiceCategory", "AI and Machine Learning");
	row_text(row, "ServiceName", charge->service);
	row_text(row, "ServiceSubcategory", "Generative AI");
	row_text(row, "SkuId", charge->sku);
	row_null(row, "SubAccountId");
	if (charge->tags.at == NULL)
		row_null(row, "Tags");
	else
		row_json(row, "Tags", charge->tags);
	write_own(row, charge);
	row_end(row);
}

static struct text
tags_of(struct arena *arena, const char *const *key)
{
	struct buf buf = { .arena = arena };
	struct json_out *out;

	if (key[KEY_FEATURE] == NULL && key[KEY_AGENT_TYPE] == NULL)
		return (struct text){ 0 };
	out = json_out_new(&buf);
	json_open(out);
	if (key[KEY_AGENT_TYPE] != NULL)
		json_text(out, "agent_type", key[KEY_AGENT_TYPE]);
	if (key[KEY_FEATURE] != NULL)
		json_text(out, "feature", key[KEY_FEATURE]);
	json_close(out);
	return buf_text(&buf);
}

static const char *
known(const char *name)
{
	return name != NULL ? name : FOCUS_UNKNOWN;
}

void
focus_write_usage(struct row *row, const struct focus_bill *bill, const struct usage_group *group)
{
	const char *provider = known(group->key[KEY_PROVIDER]);
	const char *model = known(group->key[KEY_MODEL]);
	int64_t tokens = group->totals.at[TOTAL_TOKENS];
	struct charge charge = {
		.cost_nanos = group->totals.at[TOTAL_COST],
		.category = "Usage",
		.description = arena_printf(row->buf->arena, "Calls of %s of %s", model, provider),
		.frequency = "Usage-Based",
		.provider = provider,
		.service = "Model API",
		.sku = arena_printf(row->buf->arena, "%s/%s", provider, model),
		/* The quantity of a usage must be positive. */
		.unit = tokens > 0 ? "Tokens" : "Requests",
		.quantity = tokens > 0 ? tokens : group->totals.at[TOTAL_REQUESTS],
		.tags = tags_of(row->buf->arena, group->key),
		.totals = &group->totals,
	};

	write_charge(row, bill, &charge);
}

void
focus_write_adjustment(
    struct row *row, const struct focus_bill *bill, const struct adjustment *adjustment)
{
	struct charge charge = {
		.cost_nanos = adjustment->amount_nanos,
		.category = "Adjustment",
		.class = adjustment->created_at >= bill->month.end ? "Correction" : NULL,
		.description = adjustment->reason,
		.frequency = "One-Time",
		.provider = FOCUS_UNKNOWN,
		.service = "Model API",
		.adjustment = adjustment->id,
	};

	write_charge(row, bill, &charge);
}

void
focus_write_head(struct row *row)
{
	struct focus_bill bill = { 0 };
	struct charge charge = { 0 };

	write_charge(row, &bill, &charge);
}
