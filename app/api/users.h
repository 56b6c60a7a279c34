/*
 * What /v1/users does beside what every resource does (app/rest.h).
 */
#ifndef APP_API_USERS_H
#define APP_API_USERS_H

#include "app/request.h"

void users_changed(struct request *req);

#endif
