#include "lib/err.h"

#include <assert.h>

static const char *const names[] = {
	[ERR_NONE] = "none",
	[ERR_SYNTAX] = "syntax",
	[ERR_UNAUTHENTICATED] = "unauthenticated",
	[ERR_PAYMENT] = "payment",
	[ERR_FORBIDDEN] = "forbidden",
	[ERR_NOT_FOUND] = "not-found",
	[ERR_METHOD] = "method",
	[ERR_CONFLICT] = "conflict",
	[ERR_PRECONDITION] = "precondition",
	[ERR_TOO_LARGE] = "too-large",
	[ERR_MEDIA_TYPE] = "media-type",
	[ERR_INVALID] = "invalid",
	[ERR_RATE] = "rate",
	[ERR_UNAVAILABLE] = "unavailable",
	[ERR_INTERNAL] = "internal",
};
_Static_assert(COUNT(names) == ERR_COUNT, "every code has a name");

const char *
err_name(enum err_code code)
{
	assert((size_t)code < COUNT(names));
	return names[code];
}
