#include "app/api/conversations.h"

#include "app/rest.h"
#include "lib/model/conversation.h"
#include "lib/model/conversation_erase.h"

void
conversations_fill(struct request *req, void *object)
{
	struct conversation *conversation = object;

	if (id_is_nil(conversation->user))
		conversation->user = req->task->user;
}

bool
conversations_end(struct request *req, struct reply *reply)
{
	struct conversation conversation;
	struct id id;

	if (!request_id_param(req, 0, &id))
		return false;
	if (!conversation_end(req->task, id, &conversation))
		return false;
	return rest_reply(reply, 200, &conversation_resource, &conversation, false);
}

bool
conversations_erase(struct request *req, struct reply *reply)
{
	struct conversation_receipt receipt;
	struct id id;

	if (!request_id_param(req, 0, &id))
		return false;
	if (!conversation_erase(req->task, id, &receipt))
		return false;
	return reply_json(reply, 200, conversation_write_receipt, &receipt);
}
