/*
 * What the files of budgets share: the columns of an answer and who reads them.
 */
#ifndef LIB_MODEL_BUDGET_PRIVATE_H
#define LIB_MODEL_BUDGET_PRIVATE_H

#include "lib/model/budget.h"

#define BUDGET_COLUMNS \
	"id, name, user_id, user_tier, api_key_id, session_id, agent_session_id, feature, " \
	"provider, model, tag, each_by, period, rolling_hours, timezone, " \
	"(limit_cents * 10000000)::bigint, limit_requests, limit_tokens, mode, " \
	"thresholds::bigint[], unpriced, fallback_rate, on_counter_loss, " \
	"(override_cents * 10000000)::bigint, override_until, version, created_at, updated_at"

void budget_read_row(struct task *task, const struct db_rows *rows, int row, struct budget *ret);

#endif
