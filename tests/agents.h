/* Agent sessions, for tests through nginx. */
#ifndef TESTS_AGENTS_H
#define TESTS_AGENTS_H

#define AGENTS_PATH "/v1/agent-sessions"

/* The path of a session; rest: what follows its id. */
const char *agents_at(const char *id, const char *rest);
/* The id of a new session, of nobody. */
const char *agents_begin(void);
const char *agents_begin_below(const char *parent);
void agents_expect_status(const char *id, const char *status);

#endif
