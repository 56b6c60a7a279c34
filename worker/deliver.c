#include "worker/deliver.h"

#include "lib/clock.h"
#include "lib/model/delivery.h"
#include "worker/sender.h"

/*
 * No transaction is open while it is sent, and it is marked behind that: who dies in between sends
 * it again, under the same id.
 */
static bool
attempt(struct task *task, struct sender *sender, const struct delivery *delivery)
{
	struct text body = delivery_body(task, delivery);
	char signature[DELIVERY_SIGNATURE_SIZE], id[ID_TEXT_SIZE];
	struct sender_result result;

	delivery_sign(task, delivery, body, signature);
	const char *const headers[] = {
		"Content-Type: application/json",
		arena_printf(task->arena, "Tally-Event: %s", delivery->alert.kind),
		arena_printf(task->arena, "Tally-Delivery: %s", id_format(delivery->id, id)),
		arena_printf(task->arena, "Tally-Signature: %s", signature),
		NULL,
	};
	result = sender_send(
	    sender, &(struct sender_message){
			.method = "POST", .url = delivery->url, .headers = headers, .body = body });
	task->now = clock_now();
	if (result.error == NULL)
		return delivery_succeeded(task, delivery, result.status) && db_commit(task);
	return delivery_failed(task, delivery, result.status, result.error) && db_commit(task);
}

static bool
step(struct task *task, struct sender *sender, bool *ret_any)
{
	struct delivery delivery;

	task->now = clock_now();
	return delivery_next(task, &delivery, ret_any) && db_commit(task) &&
	       (!*ret_any || attempt(task, sender, &delivery));
}

bool
deliver_due(struct command_context *context, struct job_result *result)
{
	return sender_run(context,
	    &(struct sender_work){ .step = step, .max = DELIVER_MAX, .time_s = DELIVER_TIME_S },
	    result);
}
