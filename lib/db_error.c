#include "lib/db_private.h"

#include <stdio.h>
#include <string.h>

/* The first row whose state begins the server's SQLSTATE counts. */
static const struct {
	const char *state;
	enum err_code code;
	const char *text;
} refusals[] = {
	{ "23505", ERR_CONFLICT, "a value that must be unique is taken" },
	{ "23P01", ERR_CONFLICT, "it overlaps with what is stored" },
	{ "23001", ERR_CONFLICT, "what is stored may not be changed like that" },
	{ "TL001", ERR_CONFLICT, "the state of what is stored does not allow it" },
	{ "23503", ERR_INVALID, "it refers to something that does not exist, or is referred to" },
	{ "23514", ERR_INVALID, "a value is out of range" },
	{ "23502", ERR_INVALID, "a value is missing" },
	{ "22", ERR_INVALID, "a value cannot be stored" },
	{ "57014", ERR_UNAVAILABLE, "PostgreSQL took too long" },
	{ "57", ERR_UNAVAILABLE, "PostgreSQL is starting or stopping" },
	{ "53", ERR_UNAVAILABLE, "PostgreSQL has no room or connections left" },
	{ "08", ERR_UNAVAILABLE, "the connection to PostgreSQL is lost" },
	{ "40001", ERR_UNAVAILABLE, "PostgreSQL was asked the same by others at once" },
	{ "40P01", ERR_UNAVAILABLE, "PostgreSQL was asked the same by others at once" },
	{ "55P03", ERR_UNAVAILABLE, "PostgreSQL was asked the same by others at once" },
	{ "25006", ERR_UNAVAILABLE, "PostgreSQL is read-only" },
	{ "25P03", ERR_UNAVAILABLE, "PostgreSQL ended a transaction that took too long" },
	{ "26000", ERR_UNAVAILABLE, "PostgreSQL forgot a statement" },
	{ "42501", ERR_INTERNAL, "the database role may not do that" },
};

/* One line of ASCII, whatever the server said in whichever language. */
static const char *
clean(struct task *task, const char *message)
{
	char *copy = arena_strdup(task->arena, message);
	size_t len = strlen(copy);

	while (len > 0 && (copy[len - 1] == '\n' || copy[len - 1] == ' '))
		copy[--len] = '\0';
	for (char *c = copy; *c != '\0'; c++) {
		if (*c < ' ' || *c > '~')
			*c = *c == '\n' || *c == '\t' ? ' ' : '?';
	}
	return copy;
}

static void
fail(struct task *task, const char *state)
{
	for (size_t i = 0; i < COUNT(refusals); i++) {
		if (strncmp(state, refusals[i].state, strlen(refusals[i].state)) != 0)
			continue;
		if (refusals[i].code == ERR_UNAVAILABLE)
			task_fail_later(task, 1, "%s", refusals[i].text);
		else
			task_fail(task, refusals[i].code, "%s", refusals[i].text);
		return;
	}
	task_fail(task, ERR_INTERNAL, "PostgreSQL refused what it was asked.");
}

bool
db_refused(struct task *task, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);

	if (task->err.code != ERR_NONE)
		return false;
	fail(task, state == NULL ? "08006" : state);
	task->err.cause = clean(task, message == NULL ? PQresultErrorMessage(result) : message);
	snprintf(task->err.sqlstate, sizeof(task->err.sqlstate), "%s", state == NULL ? "" : state);
	if (constraint != NULL)
		task->err.constraint = arena_strdup(task->arena, constraint);
	return false;
}

bool
db_lost(struct task *task, PGconn *conn, const char *text)
{
	if (task->err.code != ERR_NONE)
		return false;
	task_fail_later(task, 1, "%s", text);
	if (PQerrorMessage(conn)[0] != '\0')
		task->err.cause = clean(task, PQerrorMessage(conn));
	return false;
}
