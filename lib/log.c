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

/* A line in the making; it is cut where it is full. */
struct line {
	char at[LINE_MAX_BYTES];
	size_t len;
	bool full;
};

static void
put(struct line *line, const char *at, size_t len)
{
	const size_t room = sizeof(line->at) - CUT_ROOM - line->len;

	if (len > room) {
		line->full = true;
		len = room;
	}
	memcpy(line->at + line->len, at, len);
	line->len += len;
}

static void
put_word(struct line *line, const char *word)
{
	put(line, word, strlen(word));
}

/* Always with six digits, so that lines sort and columns align. */
static void
put_now(struct line *line)
{
	int64_t now = clock_now(), fraction = now % CLOCK_SECOND;
	char text[CLOCK_TEXT_SIZE], digits[] = ".000000Z";

	for (char *at = digits + 6; fraction > 0; fraction /= 10)
		*at-- += (char)(fraction % 10);
	clock_format(now - now % CLOCK_SECOND, text);
	put(line, text, strlen(text) - 1);
	put(line, digits, sizeof(digits) - 1);
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
log_text(enum log_level level, const char *event, struct text fields)
{
	int saved_errno = errno;
	struct line line;

	if (!log_enabled(level))
		return;
	line.len = 0;
	line.full = false;
	if (atomic_load_explicit(&journal, memory_order_relaxed))
		put_word(&line, levels[level].priority);
	put_word(&line, "ts=");
	put_now(&line);
	put_word(&line, " level=");
	put_word(&line, levels[level].name);
	put_word(&line, " event=");
	put_word(&line, event);
	if (fields.len > 0) {
		put_word(&line, " ");
		put(&line, fields.at, fields.len);
	}
	if (line.full)
		line.len = cut(line.at, line.len);
	keep_printable(line.at, line.len);
	line.at[line.len++] = '\n';
	send_line(line.at, line.len);
	errno = saved_errno;
}

void
log_event(enum log_level level, const char *event, const char *format, ...)
{
	/* More than a line takes: what does not fit here is cut there. */
	char fields[LINE_MAX_BYTES];
	va_list args;
	int len;

	if (!log_enabled(level))
		return;
	va_start(args, format);
	len = vsnprintf(fields, sizeof(fields), format, args);
	va_end(args);
	assert(len >= 0);
	if ((size_t)len >= sizeof(fields))
		len = sizeof(fields) - 1;
	log_text(level, event, (struct text){ fields, (size_t)len });
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
		plain = plain < size ? plain : size - 1;
		memcpy(out, value.at, plain);
		out[plain] = '\0';
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
