#include "app/api/analytics_dashboard.h"

#include "app/api/analytics_sums.h"
#include "app/auth.h"
#include "lib/clock.h"
#include "lib/model/dashboard.h"
#include "lib/model/refusal.h"

static void
write_part(struct json_out *out, const struct dashboard *dashboard, int part)
{
	json_time(out, "start", dashboard->spans[part].since);
	json_time(out, "end", dashboard->spans[part].until);
	analytics_write_sums(out, &dashboard->sums[part]);
}

static void
write_days(struct json_out *out, const struct request *req, const struct dashboard *dashboard)
{
	json_open_at(out, "today");
	json_date(out, "date", zone_date(req->identity->zone, req->task->now));
	write_part(out, dashboard, DASHBOARD_TODAY);
	json_close(out);
	json_open_at(out, "yesterday");
	write_part(out, dashboard, DASHBOARD_YESTERDAY);
	json_close(out);
	json_open_at(out, "month");
	write_part(out, dashboard, DASHBOARD_MONTH);
	json_cents(out, "adjustments_cents", dashboard->adjustments_nanos);
	json_close(out);
}

static void
write_hours(struct json_out *out, const struct dashboard *dashboard)
{
	json_open_array_at(out, "hours");
	for (int i = DASHBOARD_FIRST_HOUR; i < DASHBOARD_PARTS; i++) {
		json_open(out);
		write_part(out, dashboard, i);
		json_close(out);
	}
	json_close_array(out);
}

static void
write_unpriced(struct json_out *out, const struct dashboard *dashboard)
{
	json_open_array_at(out, "unpriced_models");
	for (size_t i = 0; i < dashboard->unpriced_count; i++) {
		json_open(out);
		json_text(out, "model", dashboard->unpriced[i].model);
		json_int(out, "calls", dashboard->unpriced[i].calls);
		json_close(out);
	}
	json_close_array(out);
}

/* From Redis: not of the snapshot. */
static void
write_refusals(struct json_out *out, struct task *task)
{
	int64_t refused[REFUSED_REASONS], total = 0;

	if (!refusal_sum(task, refused)) {
		json_null(out, "refusals");
		return;
	}
	json_open_at(out, "refusals");
	for (int i = 0; i < REFUSED_REASONS; i++)
		total += refused[i];
	json_int(out, "total", total);
	for (int i = 0; i < REFUSED_REASONS; i++)
		json_int(out, refusal_names[i], refused[i]);
	json_close(out);
}

static void
write_age(struct json_out *out, const char *at_name, const char *age_name, int64_t at, int64_t now)
{
	if (at == 0) {
		json_null(out, at_name);
		json_null(out, age_name);
		return;
	}
	json_time(out, at_name, at);
	/* The jobs have clocks of their own. */
	json_int(out, age_name, at < now ? (now - at) / CLOCK_SECOND : 0);
}

static void
write_health(struct json_out *out, const struct dashboard *dashboard, int64_t now)
{
	json_open_at(out, "health");
	write_age(out, "flushed_at", "flush_age_s", dashboard->flushed_at, now);
	write_age(out, "rolled_up_at", "rollup_age_s", dashboard->rolled_up_at, now);
	write_age(out, "reconciled_at", "reconcile_age_s", dashboard->reconciled_at, now);
	if (dashboard->reconciled_at == 0)
		json_null(out, "drift");
	else
		json_bool(out, "drift", dashboard->drifts);
	json_close(out);
}

bool
analytics_dashboard(struct request *req, struct reply *reply)
{
	struct dashboard *dashboard = arena_alloc(req->task->arena, sizeof(*dashboard));
	struct json_out *out = json_out_new(&reply->body);
	const struct identity *identity = req->identity;

	if (!dashboard_find(req->task, identity->zone, identity->timezone, dashboard))
		return false;
	json_open(out);
	json_time(out, "as_of", req->task->now);
	json_text(out, "timezone", identity->timezone);
	write_days(out, req, dashboard);
	write_hours(out, dashboard);
	write_unpriced(out, dashboard);
	write_refusals(out, req->task);
	write_health(out, dashboard, req->task->now);
	json_close(out);
	return reply_done(reply, 200, "application/json");
}
