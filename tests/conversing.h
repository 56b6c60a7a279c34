/* Paths of conversations and their versions, for tests through nginx. */
#ifndef TESTS_CONVERSING_H
#define TESTS_CONVERSING_H

/* Of a conversation; rest: what follows its id. */
const char *conversing_at(const char *id, const char *rest);
/* Of the versions of a new conversation of a new client. */
const char *conversing_versions(const char *client);
/* Of one, or of what else is below them. */
const char *conversing_version(const char *versions, const char *rest);

#endif
