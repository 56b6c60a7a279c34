#include "app/accept.h"

#include "lib/base.h"

#include <string.h>
#include <strings.h>

static const struct {
	const char *range;
	enum accept accept;
} ranges[] = {
	{ "application/json", ACCEPT_JSON },
	{ "application/*", ACCEPT_JSON },
	{ "*/*", ACCEPT_JSON },
	{ "text/csv", ACCEPT_CSV },
	{ "text/*", ACCEPT_CSV },
	{ "application/x-ndjson", ACCEPT_NDJSON },
};

static const char *const media_types[] = {
	[ACCEPT_JSON] = "application/json",
	[ACCEPT_CSV] = "text/csv; charset=utf-8; header=present",
	[ACCEPT_NDJSON] = "application/x-ndjson",
};

enum accept
accept_choose(const char *header)
{
	const char *at = header == NULL ? "" : header;

	while (*at != '\0') {
		size_t len;

		at += strspn(at, " \t,");
		len = strcspn(at, " \t,;");
		for (size_t i = 0; i < COUNT(ranges); i++)
			if (len == strlen(ranges[i].range) &&
			    strncasecmp(at, ranges[i].range, len) == 0)
				return ranges[i].accept;
		at += strcspn(at, ",");
	}
	return ACCEPT_JSON;
}

bool
accept_begins(const char *header, const char *type)
{
	const char *at = header == NULL ? "" : header + strspn(header, " \t,");
	size_t len = strcspn(at, " \t,;");

	return len == strlen(type) && strncasecmp(at, type, len) == 0;
}

const char *
accept_media_type(enum accept accept)
{
	return media_types[accept];
}
