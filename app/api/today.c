#include "app/api/today.h"

#include "app/auth.h"
#include "app/ingest/ingest.h"
#include "app/metrics.h"
#include "lib/model/counter.h"
#include "lib/model/daily_cost.h"

bool
today_find(struct request *req, struct reply *reply)
{
	const struct identity *identity = req->identity;
	struct json_out *out = json_out_new(&reply->body);
	struct daily_cost day = { 0 };
	struct counter_day count;

	if (!counter_today(req->task, ingest_book(req->app->ingest), identity->zone, &count))
		return false;
	if (count.from_postgres)
		metrics_add(METRIC_COUNTER_FALLBACKS, 1);
	day.date = count.date;
	day.totals = count.confirmed;
	totals_add(&day.totals, &count.pending);
	day.unique_users = count.users;
	json_open(out);
	daily_cost_write(out, &day, identity->timezone, count.from_postgres ? "postgres" : "redis",
	    req->task->now);
	json_close(out);
	return reply_done(reply, 200, "application/json");
}
