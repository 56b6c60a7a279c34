/*
 * From method and path to the row of app/routes.h that says who may call it, what it takes and who
 * answers.
 */
#ifndef APP_ROUTER_H
#define APP_ROUTER_H

#include "app/request.h"
#include "lib/json_read.h"
#include "lib/model/scope.h"

struct resource; /* lib/model/resource.h */

struct route {
	const char *method;
	const char *path; /* "/v1/users/{id}/usage" */
	bool (*handle)(struct request *req, struct reply *reply);
	enum scope scope;
	bool operators; /* an operator's key may call it, too */
	bool bound; /* a key that is bound to a user may call it: it answers of that user only */
	const struct json_field *query; /* parameters accepted; NULL: none */
	size_t query_count;
	const struct json_field *body; /* fields accepted; NULL: none */
	size_t body_count;
	const struct resource *resource; /* of the handlers in app/rest.h; or NULL */
	void (*fill)(
	    struct request *req, void *object); /* more of what is added or changed; or NULL */
	void (*changed)(struct request *req); /* behind the commit of a change; or NULL */
	const char *const *takes; /* media types of a body in a form that others define, which the
				     handler reads; NULL behind the last; or NULL */
	void (*prepare)(struct request *req); /* before anything is checked: how failures are told;
						 or NULL */
	size_t body_max; /* bytes, instead of what the settings say; 0: these hold */
	const char *header; /* one that the handler reads; or NULL */
	bool header_optional; /* it does not refuse to be without */
	bool if_match; /* the handler holds If-Match against the ETag */
	bool parks; /* the handler itself calls request_finish(), maybe later, on every way out */
	bool many; /* the body may be an array or NDJSON, too */
	bool body_optional; /* an empty body is taken, too */
	bool secret; /* the answer holds a secret: a stored answer is sealed */
	bool secret_body; /* the body holds one: no hash of it is kept that could be guessed at */
	int status; /* of success, for the OpenAPI document */
	const char *gives; /* media type of success, where it is not JSON; or NULL */
	const char *known; /* when 200 is answered instead, for the OpenAPI document; or NULL */
	const char *summary;
};

/* The rows of all chapters, one after the other; NULL behind the last. */
const struct route *route_at(size_t i);

/* What the route takes: its own table, or one that follows from its resource. */
struct route_fields {
	const struct json_field *at;
	size_t count;
};
struct route_fields router_query(const struct route *route);
struct route_fields router_body(const struct route *route);

/* Sets req->route and req->params. ERR_NOT_FOUND, ERR_METHOD. */
NODISCARD bool router_find(struct request *req);

/* Finds the route, checks key, scope and idempotency, calls the handler, finishes the request. */
void router_handle(struct request *req);

#endif
