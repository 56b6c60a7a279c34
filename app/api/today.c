#include "app/api/today.h"

#include "app/auth.h"
#include "app/ingest/ingest.h"
#include "app/metrics.h"
#include "lib/model/counter_day.h"

bool
today_count(struct request *req, struct daily_cost *ret, const char **ret_source)
{
	struct counter_day count;

	if (!counter_today(req->task, ingest_book(req->app->ingest), req->identity->zone, &count))
		return false;
	if (count.from_postgres)
		metrics_add(METRIC_COUNTER_FALLBACKS, 1);
	*ret = (struct daily_cost){
		.date = count.date,
		.totals = count.confirmed,
		.unique_users = count.users,
	};
	totals_add(&ret->totals, &count.pending);
	*ret_source = count.from_postgres ? "postgres" : "redis";
	return true;
}

bool
today_find(struct request *req, struct reply *reply)
{
	struct json_out *out = json_out_new(&reply->body);
	struct daily_cost day;
	const char *source;

	if (!today_count(req, &day, &source))
		return false;
	json_open(out);
	daily_cost_write(out, &day, req->identity->timezone, source, req->task->now);
	json_close(out);
	return reply_done(reply, 200, "application/json");
}
