/*
 * What /v1/clients does beside what every resource does (app/rest.h).
 */
#ifndef APP_API_CLIENTS_H
#define APP_API_CLIENTS_H

#include "app/request.h"

bool clients_deactivate(struct request *req, struct reply *reply);

#endif
