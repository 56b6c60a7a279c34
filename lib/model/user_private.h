/*
 * What the files of users share: the columns of an answer and who reads them.
 */
#ifndef LIB_MODEL_USER_PRIVATE_H
#define LIB_MODEL_USER_PRIVATE_H

#include "lib/model/user.h"

#define USER_COLUMNS \
	"id, external_id, email, tier, email_verified, oauth_provider, oauth_id, " \
	"created_at, updated_at, deleted_at"

void user_read_row(const struct db_rows *rows, int row, struct user *ret);

#endif
