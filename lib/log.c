#include "lib/log.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/err.h"

#define LINE_MAX_BYTES 4096
#define REASON_SHOWN_MAX 512
#define CUT "... cut=true"
/* For a closing quote, the mark and the newline. */
#define CUT_ROOM (sizeof(CUT) + 2)

/* sd-daemon(3): journald reads a priority at the start of a line. */
static const struct level {
	const char *name;
	const char *priority;
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", "<3>" },
	[LOG_LEVEL_WARNING] = { "warning", "<4>" },
	[LOG_LEVEL_INFO] = { "info", "<6>" },
	[LOG_LEVEL_DEBUG] = { "debug", "<7>" },
};

static _Atomic enum log_level limit = LOG_LEVEL_INFO;
static atomic_bool journal;

void
log_open(enum log_level level)
{
	log_set_level(level);
	atomic_store(&journal, secure_getenv("JOURNAL_STREAM") != NULL);
}

void
log_set_level(enum log_level level)
{
	atomic_store(&limit, level);
}

bool
log_enabled(enum log_level level)
{
	return level <= atomic_load_explicit(&limit, memory_order_relaxed);
}

bool
log_parse_level(struct text name, enum log_level *ret)
{
	for (size_t i = 0; i < COUNT(levels); i++) {
		if (name.len != strlen(levels[i].name) ||
		    memcmp(name.at, levels[i].name, name.len) != 0)
			continue;
		*ret = (enum log_level)i;
		return true;
	}
	return false;
}

/* Always with six digits, so that lines sort and columns align. */
static void
format_now(char out[CLOCK_TEXT_SIZE])
{
	int64_t now = clock_now();
	size_t len;

	clock_format(now - now % CLOCK_SECOND, out);
	len = strlen(out) - 1;
	snprintf(out + len, CLOCK_TEXT_SIZE - len, ".%06uZ", (unsigned)(now % CLOCK_SECOND));
}

/* Cuts the line at len and says so, outside of any quotes. */
static size_t
cut(char *line, size_t len)
{
	bool quoted = false;

	for (size_t i = 0; i < len; i++) {
		if (line[i] == '\\' && quoted && i + 1 == len)
			len--;
		else if (line[i] == '\\' && quoted)
			i++;
		else if (line[i] == '"')
			quoted = !quoted;
	}
	return len + (size_t)snprintf(line + len, CUT_ROOM, "%s%s", quoted ? "\"" : "", CUT);
}

/* Whatever a caller forgot to quote cannot forge a second line. */
static void
keep_printable(char *line, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (line[i] < ' ' || line[i] > '~')
			line[i] = '?';
	}
}

static void
send_line(const char *line, size_t len)
{
	ssize_t sent;

	do {
		sent = write(STDERR_FILENO, line, len);
	} while (sent < 0 && errno == EINTR);
}

void
log_event(enum log_level level, const char *event, const char *format, ...)
{
	char line[LINE_MAX_BYTES], now[CLOCK_TEXT_SIZE];
	const size_t max = sizeof(line) - CUT_ROOM;
	int saved_errno = errno, len, more;
	va_list args;

	if (!log_enabled(level))
		return;
	format_now(now);
	len = snprintf(line, max, "%sts=%s level=%s event=%s ",
	    atomic_load(&journal) ? levels[level].priority : "", now, levels[level].name, event);
	assert(len > 0 && (size_t)len < max);
	va_start(args, format);
	more = vsnprintf(line + len, max - (size_t)len, format, args);
	va_end(args);
	assert(more >= 0);
	len += more;
	if ((size_t)len >= max)
		len = (int)cut(line, max - 1);
	else if (more == 0)
		len--;
	keep_printable(line, (size_t)len);
	line[len++] = '\n';
	send_line(line, (size_t)len);
	errno = saved_errno;
}

static bool
is_plain(unsigned char c)
{
	return c > ' ' && c <= '~' && c != '"' && c != '=' && c != '\\';
}

/* The character as it stands between quotes; its length. */
static size_t
escape(unsigned char c, char out[5])
{
	if (c == '"' || c == '\\')
		return (size_t)snprintf(out, 5, "\\%c", c);
	if (c == '\n')
		return (size_t)snprintf(out, 5, "\\n");
	if (c == '\t')
		return (size_t)snprintf(out, 5, "\\t");
	if (c == '\r')
		return (size_t)snprintf(out, 5, "\\r");
	if (c < ' ' || c > '~')
		return (size_t)snprintf(out, 5, "\\x%02x", c);
	return (size_t)snprintf(out, 5, "%c", c);
}

char *
log_quote(struct text value, char *out, size_t size)
{
	size_t plain = 0, len = 0;
	char piece[5];

	assert(size >= sizeof("\"\""));
	while (plain < value.len && is_plain((unsigned char)value.at[plain]))
		plain++;
	if (plain == value.len && plain > 0) {
		snprintf(out, size, "%.*s", (int)(plain < size ? plain : size - 1), value.at);
		return out;
	}
	out[len++] = '"';
	for (size_t i = 0; i < value.len; i++) {
		size_t more = escape((unsigned char)value.at[i], piece);

		if (len + more + sizeof("\"") > size)
			break;
		memcpy(out + len, piece, more);
		len += more;
	}
	out[len++] = '"';
	out[len] = '\0';
	return out;
}

void
log_reason(enum log_level level, const char *event, const struct err *err)
{
	const char *cause = err->cause != NULL ? err->cause : "";
	char detail[REASON_SHOWN_MAX], said[REASON_SHOWN_MAX];

	log_event(level, event, "detail=%s cause=%s",
	    log_quote((struct text){ err->text, strlen(err->text) }, detail, sizeof(detail)),
	    log_quote((struct text){ cause, strlen(cause) }, said, sizeof(said)));
}
