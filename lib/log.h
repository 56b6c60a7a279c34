/*
 * The log: one logfmt line an event on standard error, written with one write(2). Under systemd
 * (JOURNAL_STREAM is set) a line begins with its <priority>. Library code does not log; programs
 * do.
 */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include "lib/base.h"

struct err;

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_open(enum log_level level);
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
/* "error", "warning", "info", "debug"; false for any other name. */
NODISCARD bool log_parse_level(struct text name, enum log_level *ret);

/*
 * log_event(LOG_LEVEL_INFO, "request", "status=%d usec=%lld", ...) writes: ts=... level=info
 * event=request status=... Values from outside go through log_quote() first.
 */
void log_event(enum log_level level, const char *event, const char *format, ...) PRINTF(3, 4);
/* The same with fields that were formatted before: for the line of each request. */
void log_text(enum log_level level, const char *event, struct text fields);
/* The same with what failed: detail= our sentence, cause= PostgreSQL's. */
void log_reason(enum log_level level, const char *event, const struct err *err);
/* A value in logfmt: quoted where needed, control characters and bytes above 126 escaped; cut at
 * size. Returns out. */
char *log_quote(struct text value, char *out, size_t size);

#endif
