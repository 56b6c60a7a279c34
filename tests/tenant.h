/*
 * A client with one of everything, and how each route with {...} or a body is called for it: a
 * route that is not known here fails the test.
 */
#ifndef TESTS_TENANT_H
#define TESTS_TENANT_H

struct route; /* app/router.h */

/* Every text of its rows holds its mark; mark and amount are given. */
struct tenant {
	const char *mark;
	const char *amount; /* of its adjustment */
	const char *client;
	const char *key;
	const char *user;
	const char *session;
	const char *record;
	const char *conversation;
	const char *budget;
	const char *authorization;
	const char *webhook;
	const char *integration, *endpoint;
	const char *transaction; /* of credits */
	const char *erasure;
	const char *agent;
	const char *client_tool;
	const char *tool_execution;
	const char *websocket;
	const char *date, *month;
};

/* The calls are its key's from here on. */
void tenant_make(struct tenant *tenant);
/* The path with the tenant's ids in the place of {...}. */
const char *tenant_path(const char *path, const struct tenant *tenant);
/* A body that the route takes, so that a refusal is not about the body; NULL: none. */
const char *tenant_body(const struct route *route);

#endif
