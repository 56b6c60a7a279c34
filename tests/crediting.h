/* A client with credit accounts in a real database, for tests of what is posted to them. */
#ifndef TESTS_CREDITING_H
#define TESTS_CREDITING_H

#include <pthread.h>

#include "lib/model/credit_book.h"
#include "tests/servers.h"

#define CREDITS(n) ((n)*INT64_C(1000000000))

extern struct servers *crediting_servers;
extern struct id crediting_client;

/* cmocka's set-up and tear-down of a group: PostgreSQL, and a client. */
int crediting_start(void **state);
int crediting_stop(void **state);

/* A task as tally_app, with an arena of its own. */
struct task crediting_task(void);
void crediting_task_end(struct task *task);
/* A new user of the client. */
struct id crediting_user(void);
struct credit_posting crediting_posting(struct id user, enum credit_type type, int64_t nanos);
/* Decides, stores and commits in a transaction of its own. */
NODISCARD bool crediting_post(struct task *task, struct credit_posting *postings, size_t count);
/* One posting in a task of its own; fails the test unless it gets this verdict. */
void crediting_expect(struct credit_posting *posting, enum credit_verdict verdict);
/* The same for money that has to be there. */
void crediting_purchase(struct id user, int64_t nanos);

/* A thread that posts, and how that ended. */
struct crediting_poster {
	pthread_t thread;
	struct credit_posting postings[2];
	size_t count;
	pthread_barrier_t *start;
	bool stored;
	char failure[ERR_TEXT_MAX];
};
/* Both at once; fails the test unless both could. */
void crediting_post_both(struct crediting_poster posters[2]);

/* Fails the test unless all books are whole, as SQL adds them up. */
void crediting_expect_books(void);
/* Fails the test unless the SQL's one value is as expected. */
void crediting_expect_sql(const char *sql, const char *expected);

#endif
