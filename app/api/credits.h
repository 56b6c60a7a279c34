/*
 * /v1/credit-accounts/{user_id}: accounts of credits. The word "client" stands for the client's own
 * one.
 */
#ifndef APP_API_CREDITS_H
#define APP_API_CREDITS_H

#include "app/router.h"

#define CREDITS_OWN "client"
#define CREDITS_HOLD_SECONDS_DEFAULT 600
#define CREDITS_HOLD_SECONDS_MAX INT64_C(2592000) /* 30 days */
#define CREDITS_GRANT_SECONDS_MAX INT64_C(315360000) /* ten years */

#define CREDITS_METADATA_MAX 16384
#define CREDITS_STATEMENT_ROWS_DEFAULT 500
#define CREDITS_STATEMENT_ROWS_MAX 10000

extern const struct json_field credits_change_fields[7];
extern const struct json_field credits_check_fields[1];
extern const struct json_field credits_list_fields[2];
extern const struct json_field credits_post_fields[9];
extern const struct json_field credits_statement_fields[2];

/* Whose account the path names; nil: the client's own. ERR_NOT_FOUND where it names nobody, or not
 * the user to whom the key is bound. */
NODISCARD bool credits_owner(const struct request *req, struct id *ret);

bool credits_find(struct request *req, struct reply *reply);
bool credits_change(struct request *req, struct reply *reply);
bool credits_check(struct request *req, struct reply *reply);
bool credits_list(struct request *req, struct reply *reply);
bool credits_find_transaction(struct request *req, struct reply *reply);
bool credits_list_grants(struct request *req, struct reply *reply);
bool credits_list_holds(struct request *req, struct reply *reply);
/* Hands the posting to the write path (app/ingest/posting.h). */
bool credits_post(struct request *req, struct reply *reply);
/* JSON, or CSV of its transactions, by Accept. */
bool credits_show_statement(struct request *req, struct reply *reply);

#endif
