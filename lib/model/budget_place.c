/* Into which buckets a call falls. */
#include "lib/model/budget_set.h"

#include <ctype.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/model/chat_log.h"

/* A bucket stays for the clocks that are behind, and for the holds that were made at its end. */
#define KEPT_S INT64_C(7200)
/* A bucket without an end outlives every epoch (migrations, counter_turn), however old the call is
 * that comes into it last. */
#define ENDLESS_S (INT64_C(365) * 86400)

struct budget_call
budget_call_of_log(const struct chat_log *log)
{
	return (struct budget_call){
		.scope = {
			.user_id = log->user_id,
			.user_tier = log->user_tier == NULL ? 0 : (int)user_tier_of(log->user_tier),
			.has_user_tier = log->user_tier != NULL,
			.api_key_id = log->api_key_id,
			.session_id = log->session_id,
			.agent_session_id = log->agent_session_id,
			.feature = log->feature,
			.provider = log->provider,
			.model = log->model,
			.agent_root_id = log->agent_root_id,
		},
		.tags = log->tags,
		.cost_nanos = log->verified_cost_nanos != CHAT_LOG_NONE ? log->verified_cost_nanos
									 : log->estimated_cost_nanos,
		.tokens = log->tokens_used,
	};
}

static int64_t
seconds(int64_t usec)
{
	return usec < 0 ? 0 : usec / CLOCK_SECOND;
}

/* Blanks and separators must not come into the name of a bucket. */
static void
add_value(struct buf *buf, const char *value)
{
	for (const char *c = value; *c != '\0'; c++) {
		if (isalnum((unsigned char)*c) || *c == '-' || *c == '_' || *c == '.')
			buf_putc(buf, *c);
		else
			buf_printf(buf, "%%%02x", (unsigned)(unsigned char)*c);
	}
}

struct budget_place
budget_place_of_slot(struct task *task, const struct budget *budget, const struct zone *zone,
    const char *value, int64_t at)
{
	struct budget_place place = {
		.budget = budget,
		.value = value,
		.window = period_window(budget->period, zone, at, budget->rolling_hours),
	};
	struct buf base = { .arena = task->arena };
	char id[ID_TEXT_SIZE];

	buf_puts(&base, "b:");
	buf_puts(&base, id_format(budget->head.id, id));
	if (value != NULL) {
		buf_putc(&base, ':');
		add_value(&base, value);
	}
	place.base = base.at;
	if (budget->period == PERIOD_ROLLING) {
		int64_t step = period_step(budget->rolling_hours);

		place.first = place.window.start / step;
		place.last = place.window.end / step - 1;
		place.expires_at_s =
		    seconds(place.window.end + PERIOD_ROLLING_STEPS * step) + KEPT_S;
		return place;
	}
	place.first = place.last = seconds(place.window.start);
	place.expires_at_s = budget->period == PERIOD_TOTAL ? seconds(task->now) + ENDLESS_S
							    : seconds(place.window.end) + KEPT_S;
	return place;
}

const char *
budget_place_bucket(struct task *task, const struct budget_place *place)
{
	return arena_printf(task->arena, "%s:%lld", place->base, (long long)place->last);
}

static bool
same_text(const char *wanted, const char *given)
{
	return wanted == NULL || (given != NULL && strcmp(wanted, given) == 0);
}

static bool
same_id(struct id wanted, struct id given)
{
	return id_is_nil(wanted) || id_equal(wanted, given);
}

static bool
has_tag(const char *wanted, struct json_texts tags)
{
	if (wanted == NULL)
		return true;
	for (size_t i = 0; i < tags.count; i++) {
		if (strcmp(tags.at[i], wanted) == 0)
			return true;
	}
	return false;
}

static bool
fits(const struct budget_scope *scope, const struct budget_call *call)
{
	const struct budget_scope *of = &call->scope;

	return same_id(scope->user_id, of->user_id) && same_id(scope->api_key_id, of->api_key_id) &&
	       same_id(scope->session_id, of->session_id) &&
	       same_id(scope->agent_session_id, of->agent_session_id) &&
	       same_id(scope->agent_root_id, of->agent_root_id) &&
	       (!scope->has_user_tier ||
		   (of->has_user_tier && scope->user_tier == of->user_tier)) &&
	       same_text(scope->feature, of->feature) && same_text(scope->provider, of->provider) &&
	       same_text(scope->model, of->model) && has_tag(scope->tag, call->tags);
}

static void
set_amounts(struct budget_place *place, const struct budget_call *call)
{
	const struct budget *budget = place->budget;
	int64_t tokens = call->tokens < 0 ? 0 : call->tokens;
	int64_t cost = call->cost_nanos;

	if (cost < 0)
		cost = budget->unpriced == BUDGET_FALLBACK
			   ? price_of_tokens(tokens, budget->fallback_rate)
			   : 0;
	place->amounts[BUDGET_COST] = cost;
	place->amounts[BUDGET_REQUESTS] = 1;
	place->amounts[BUDGET_TOKENS] = tokens;
	place->unpriced = call->cost_nanos < 0;
}

struct list {
	struct budget_place *at;
	size_t count, room;
};

static void
add_place(struct task *task, struct list *list, const struct budget_set *set, size_t i,
    const char *value, const struct budget_call *call, int64_t at)
{
	struct budget_place place =
	    budget_place_of_slot(task, &set->at[i], set->zones[i], value, at);

	set_amounts(&place, call);
	if (list->count == list->room) {
		struct budget_place *more;

		list->room = list->room == 0 ? 8 : 2 * list->room;
		more = arena_array(task->arena, list->room, sizeof(*more));
		if (list->count > 0)
			memcpy(more, list->at, list->count * sizeof(*more));
		list->at = more;
	}
	list->at[list->count++] = place;
}

/* A call with several tags falls into the bucket of each, and once only. */
static void
add_tags(struct task *task, struct list *list, const struct budget_set *set, size_t i,
    const struct budget_call *call, int64_t at)
{
	for (size_t t = 0; t < call->tags.count; t++) {
		struct json_texts before = { .at = call->tags.at, .count = t };

		if (!has_tag(call->tags.at[t], before))
			add_place(task, list, set, i, call->tags.at[t], call, at);
	}
}

struct budget_places
budget_set_places(
    struct task *task, const struct budget_set *set, const struct budget_call *call, int64_t at)
{
	struct list list = { 0 };

	for (size_t i = 0; set != NULL && i < set->count; i++) {
		enum budget_dimension each = set->at[i].each;
		const char *value = NULL;

		if (!fits(&set->at[i].scope, call))
			continue;
		if (each == BUDGET_TAG) {
			add_tags(task, &list, set, i, call, at);
			continue;
		}
		if (each != BUDGET_NO_DIMENSION) {
			value = budget_scope_get(task, &call->scope, each);
			if (value == NULL)
				continue;
		}
		add_place(task, &list, set, i, value, call, at);
	}
	return (struct budget_places){ list.at, list.count };
}
