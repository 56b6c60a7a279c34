/*
 * GET /v1/users/{id}/export: all that is kept of a user.
 */
#ifndef APP_API_USERS_EXPORT_H
#define APP_API_USERS_EXPORT_H

#include "app/request.h"

#define USERS_EXPORT_BYTES_MAX (16 << 20) /* of an answer; tally export-user has no limit */

bool users_export(struct request *req, struct reply *reply);

#endif
