/*
 * What /v1/client-tools does beside what every resource does (app/rest.h).
 */
#ifndef APP_API_CLIENT_TOOLS_H
#define APP_API_CLIENT_TOOLS_H

#include "app/request.h"

void client_tools_fill(struct request *req, void *object);

#endif
