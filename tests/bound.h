/*
 * Users of a client with one of everything, and keys that are bound to one of them.
 */
#ifndef TESTS_BOUND_H
#define TESTS_BOUND_H

struct bound_person {
	const char *mark; /* given: its rows hold it */
	const char *cost; /* given: cents of its record */
	const char *user;
	const char *session, *token;
	const char *record;
	const char *authorization;
	const char *budget;
	const char *conversation;
	const char *agent;
};

/* By the key that the calls use. */
void bound_make_person(struct bound_person *person);
/* A key of the client with all scopes that is bound to the user; the calls go on with their own. */
const char *bound_make_key(const char *client, const char *user);

#endif
