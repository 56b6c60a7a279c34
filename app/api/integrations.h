/*
 * What /v1/integrations does beside what every resource does (app/rest.h): tests.
 */
#ifndef APP_API_INTEGRATIONS_H
#define APP_API_INTEGRATIONS_H

#include "app/request.h"

void integrations_fill(struct request *req, void *object);
/* Of an integration, and of an endpoint. Answers before it is done. */
bool integrations_test(struct request *req, struct reply *reply);
bool integrations_test_endpoint(struct request *req, struct reply *reply);

#endif
