/*
 * /v1/conversations/{id}/versions: versions of what a conversation makes. One is answered with its
 * html in JSON, or by Accept as the html alone.
 */
#ifndef APP_API_VERSIONS_H
#define APP_API_VERSIONS_H

#include "app/router.h"
#include "lib/model/version.h"

/* Of a body: in JSON an escape may take six bytes for two of the text. */
#define VERSIONS_BODY_MAX (3 * VERSION_HTML_MAX + (1 << 20))

extern const struct json_field versions_post_fields[2];
extern const struct json_field versions_list_fields[2];
extern const struct json_field versions_diff_fields[2];

bool versions_post(struct request *req, struct reply *reply);
bool versions_list(struct request *req, struct reply *reply);
bool versions_find(struct request *req, struct reply *reply);
bool versions_set_current(struct request *req, struct reply *reply);
bool versions_diff(struct request *req, struct reply *reply);

/* app/api/versions_html.c: the reply to be sent in parts while they are read. */
bool versions_reply(struct request *req, struct reply *reply, const struct version *version);

#endif
