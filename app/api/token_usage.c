#include "app/api/token_usage.h"

#include "lib/model/token_usage.h"

bool
token_usage_show(struct request *req, struct reply *reply)
{
	struct token_usage usage;
	struct id conversation;

	if (!request_id_param(req, 0, &conversation) ||
	    !token_usage_find(req->task, conversation, &usage))
		return false;
	return reply_json(reply, 200, token_usage_write, &usage);
}
