#include "app/api/analytics_sums.h"

#include "lib/model/chat_log.h"
#include "lib/model/totals_write.h"
#include "lib/money.h"

const char *const analytics_key_names[USAGE_DIMENSIONS] = { "feature", "agent_type", "provider",
	"model", "user_id", "tag" };

static void
write_quantile(struct json_out *out, const char *name, int64_t ms)
{
	if (ms < 0)
		json_null(out, name);
	else
		json_int(out, name, ms);
}

void
analytics_write_success_rate(struct json_out *out, const struct totals *totals)
{
	int64_t rate = chat_log_success_rate(totals->at[TOTAL_REQUESTS], totals->at[TOTAL_FAILED]);
	char digits[MONEY_TEXT_SIZE];

	if (rate < 0)
		json_null(out, "success_rate");
	else
		json_number(out, "success_rate", money_format_scaled(rate, 2, digits));
}

void
analytics_write_sums(struct json_out *out, const struct usage_group *group)
{
	totals_write(out, &group->totals);
	analytics_write_success_rate(out, &group->totals);
	write_quantile(out, "p50_duration_ms", group->p50_ms);
	write_quantile(out, "p95_duration_ms", group->p95_ms);
	write_quantile(out, "p99_duration_ms", group->p99_ms);
}
