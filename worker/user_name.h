/*
 * A user as the operator names one on the command line: --client and one of --user, --email and
 * --external-id.
 */
#ifndef WORKER_USER_NAME_H
#define WORKER_USER_NAME_H

#include "worker/command.h"

/* Rows for a table of options. */
#define USER_NAME_OPTIONS \
	{ "client", "CLIENT", "name or id of the user's client" }, \
	    { "user", "ID", "the user by id" }, \
	    { "email", "ADDRESS", "the user by e-mail address" }, \
	{ \
		"external-id", "ID", "the user by the id that records name" \
	}

/* Whether any of them was given. */
bool user_name_given(const struct command_context *context);
/* The task becomes the client's; --user and --external-id may name one who is not there.
 * ERR_INVALID where they do not name one user. */
NODISCARD bool user_name_find(struct command_context *context, struct id *ret);

#endif
