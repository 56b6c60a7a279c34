/*
 * The routes of a resource (lib/model/resource.h): what each is answered with, and what it takes.
 */
#ifndef APP_REST_H
#define APP_REST_H

#include "app/router.h"
#include "lib/model/resource.h"

/*
 * Rows for the table of routes: path and scope, the resource, what a person calls it with its
 * article, then members of the row that differ.
 */
#define REST_ADD(path, scope, which, what, ...) \
	{ \
		"POST", path, rest_add, scope, .resource = &(which), .status = 201, \
					       .summary = "Adds " what ".", __VA_ARGS__ \
	}
#define REST_LIST(path, scope, which, what, ...) \
	{ \
		"GET", path, rest_list, scope, .resource = &(which), .status = 200, \
					       .summary = what ".", __VA_ARGS__ \
	}
#define REST_COUNT(path, scope, which, what, ...) \
	{ \
		"GET", path "/count", rest_count, scope, \
		    .resource = &(which), .status = 200, \
		    .summary = "How many " what " there are.", __VA_ARGS__ \
	}
#define REST_FIND(path, scope, which, what, ...) \
	{ \
		"GET", path "/{id}", rest_find, scope, .resource = &(which), .status = 200, \
						       .summary = "Shows " what ".", __VA_ARGS__ \
	}
#define REST_CHANGE(path, scope, which, what, ...) \
	{ \
		"PATCH", path "/{id}", rest_change, scope, \
		    .resource = &(which), .if_match = true, .status = 200, \
		    .summary = "Changes " what ": what is given.", __VA_ARGS__ \
	}
#define REST_REMOVE(path, scope, which, what, ...) \
	{ \
		"DELETE", path "/{id}", rest_remove, scope, \
		    .resource = &(which), .if_match = true, .status = 204, \
		    .summary = "Deletes " what ".", __VA_ARGS__ \
	}
#define REST_RESTORE(path, scope, which, what, ...) \
	{ \
		"POST", path "/{id}/restore", rest_restore, scope, \
		    .resource = &(which), .status = 200, \
		    .summary = "Takes the deletion of " what " back.", __VA_ARGS__ \
	}

bool rest_add(struct request *req, struct reply *reply);
bool rest_list(struct request *req, struct reply *reply);
bool rest_count(struct request *req, struct reply *reply);
bool rest_find(struct request *req, struct reply *reply);
bool rest_change(struct request *req, struct reply *reply);
bool rest_remove(struct request *req, struct reply *reply);
bool rest_restore(struct request *req, struct reply *reply);

/* The id of the path, behind the parent's where it has one; and whether the object is the parent's
 * that the path names: else ERR_NOT_FOUND. */
NODISCARD bool rest_id(const struct request *req, struct id *ret);
NODISCARD bool rest_of_path(const struct request *req, const void *object);

/* What a route of a resource takes. */
struct route_fields rest_query(const struct route *route);
struct route_fields rest_body(const struct route *route);

/* The object as its routes answer it, with its ETag; added: with what is shown only once. */
bool rest_reply(struct reply *reply, int status, const struct resource *resource,
    const void *object, bool added);

#endif
