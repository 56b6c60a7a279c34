#include "tests/torture/journal.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define COMPLAINTS_KEPT 100

struct journal {
	pthread_mutex_t lock; /* of everything below */
	struct journal_entry *at;
	size_t count, capacity;
	char *complaints[COMPLAINTS_KEPT];
	long complaint_count;
};

static const char *const kinds[] = { "record", "authorization", "posting" };
static const char *const states[] = { "sent", "unknown", "refused", "acknowledged", "ended" };

struct journal *
journal_new(void)
{
	static const struct journal_entry none = { .client = -1 };
	struct journal *journal = calloc(1, sizeof(*journal));

	if (journal == NULL)
		abort();
	pthread_mutex_init(&journal->lock, NULL);
	journal_tell(journal, journal_add(journal, &none), JOURNAL_REFUSED);
	return journal;
}

void
journal_free(struct journal *journal)
{
	for (size_t i = 0; i < COMPLAINTS_KEPT; i++)
		free(journal->complaints[i]);
	pthread_mutex_destroy(&journal->lock);
	free(journal->at);
	free(journal);
}

size_t
journal_add(struct journal *journal, const struct journal_entry *entry)
{
	size_t number;

	pthread_mutex_lock(&journal->lock);
	if (journal->count == journal->capacity) {
		journal->capacity = journal->capacity == 0 ? 4096 : 2 * journal->capacity;
		journal->at = reallocarray(journal->at, journal->capacity, sizeof(*journal->at));
		if (journal->at == NULL)
			abort();
	}
	number = journal->count++;
	journal->at[number] = *entry;
	journal->at[number].state = JOURNAL_SENT;
	pthread_mutex_unlock(&journal->lock);
	return number;
}

void
journal_tell(struct journal *journal, size_t number, enum journal_state state)
{
	pthread_mutex_lock(&journal->lock);
	journal->at[number].state = state;
	pthread_mutex_unlock(&journal->lock);
}

struct journal_entry
journal_find(struct journal *journal, size_t number)
{
	struct journal_entry entry;

	pthread_mutex_lock(&journal->lock);
	entry = journal->at[number];
	pthread_mutex_unlock(&journal->lock);
	return entry;
}

size_t
journal_count(struct journal *journal)
{
	size_t count;

	pthread_mutex_lock(&journal->lock);
	count = journal->count;
	pthread_mutex_unlock(&journal->lock);
	return count;
}

int
journal_users(struct journal *journal, int client)
{
	int users = 0;

	pthread_mutex_lock(&journal->lock);
	for (size_t i = 0; i < journal->count; i++) {
		const struct journal_entry *entry = &journal->at[i];

		if (entry->client == client && entry->user >= users)
			users = entry->user + 1;
	}
	pthread_mutex_unlock(&journal->lock);
	return users;
}

void
journal_complain(struct journal *journal, const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		abort();
	va_end(arguments);
	fprintf(stderr, "%s\n", text);
	pthread_mutex_lock(&journal->lock);
	if (journal->complaint_count < COMPLAINTS_KEPT)
		journal->complaints[journal->complaint_count] = text;
	else
		free(text);
	journal->complaint_count++;
	pthread_mutex_unlock(&journal->lock);
}

long
journal_complaints(struct journal *journal)
{
	long count;

	pthread_mutex_lock(&journal->lock);
	count = journal->complaint_count;
	pthread_mutex_unlock(&journal->lock);
	return count;
}

void
journal_mark(int client, size_t number, char ret[JOURNAL_MARK_SIZE])
{
	(void)snprintf(ret, JOURNAL_MARK_SIZE, "c%d-%zu", client, number);
}

bool
journal_read_mark(const char *mark, int *ret_client, size_t *ret_number)
{
	char *end;

	if (*mark != 'c')
		return false;
	*ret_client = (int)strtol(mark + 1, &end, 10);
	if (end == mark + 1 || *end != '-')
		return false;
	*ret_number = strtoul(end + 1, &end, 10);
	return *end == '\0';
}

void
journal_write(struct journal *journal, const char *path)
{
	FILE *out = fopen(path, "we");

	if (out == NULL) {
		perror(path);
		return;
	}
	pthread_mutex_lock(&journal->lock);
	for (size_t i = 1; i < journal->count; i++) {
		const struct journal_entry *entry = &journal->at[i];

		fprintf(out, "c%d-%zu %s %s user=%d nanos=%" PRId64 " authorization=%zu\n",
		    entry->client, i, kinds[entry->kind], states[entry->state], entry->user,
		    entry->nanos, entry->authorization);
	}
	for (size_t i = 0; i < COMPLAINTS_KEPT && journal->complaints[i] != NULL; i++)
		fprintf(out, "complaint: %s\n", journal->complaints[i]);
	pthread_mutex_unlock(&journal->lock);
	fclose(out);
}
