/*
 * What LiteLLM's generic_api callback sends: payloads into the write path.
 */
#ifndef APP_API_LITELLM_H
#define APP_API_LITELLM_H

#include "app/request.h"

extern const char *const litellm_types[]; /* media types; NULL behind the last */

/* It parks: the request is finished after the commit. Always true. */
bool litellm_post(struct request *req, struct reply *reply);

#endif
