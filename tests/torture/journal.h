/*
 * What the callers of a test sent, and what they were told of it: the one witness who does not ask
 * Tally. Thread-safe.
 *
 * Each record that is sent has an entry, and carries the entry's mark as its trace_id, a posting of
 * credits as its description; the mark begins with the number of the client whose it is.
 */
#ifndef TESTS_TORTURE_JOURNAL_H
#define TESTS_TORTURE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_MARK_SIZE 32

enum journal_kind { JOURNAL_RECORD, JOURNAL_AUTHORIZATION, JOURNAL_POSTING };

enum journal_state {
	JOURNAL_SENT, /* not answered yet */
	JOURNAL_UNKNOWN, /* no answer, or one that leaves open whether it was done */
	JOURNAL_REFUSED,
	JOURNAL_ACKNOWLEDGED,
	JOURNAL_ENDED /* an authorization that holds nothing any more: voided, or out of time */
};

struct journal_entry {
	enum journal_kind kind;
	enum journal_state state;
	int client;
	int user; /* of the client */
	int64_t nanos; /* the record's cost, what the authorization holds, what the posting adds */
	size_t authorization; /* number of the one that a record settles; 0: none */
};

struct journal;
struct journal *journal_new(void);
void journal_free(struct journal *journal);

/* Its number, from 1 on. entry->state is JOURNAL_SENT from here on. */
size_t journal_add(struct journal *journal, const struct journal_entry *entry);
void journal_tell(struct journal *journal, size_t number, enum journal_state state);
struct journal_entry journal_find(struct journal *journal, size_t number);
size_t journal_count(struct journal *journal);
/* One more than the highest number of a user of the client. */
int journal_users(struct journal *journal, int client);

/* An answer that should never be given. The first ones are kept word by word. */
void journal_complain(struct journal *journal, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
long journal_complaints(struct journal *journal);

void journal_mark(int client, size_t number, char ret[JOURNAL_MARK_SIZE]);
bool journal_read_mark(const char *mark, int *ret_client, size_t *ret_number);

/* A line for each entry, then the complaints. */
void journal_write(struct journal *journal, const char *path);

#endif
