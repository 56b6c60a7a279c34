#include "tests/test.h"

#include "lib/model/webhook.h"

static const struct {
	const char *sentence;
	const char *url;
	bool allow_http;
	bool good;
} rows[] = {
	{ "a name", "https://example.com", false, true },
	{ "a path and a query", "https://example.com/hook?a=b%20c&d=~e", false, true },
	{ "a query alone", "https://example.com?a", false, true },
	{ "a port", "https://example.com:8443/hook", false, true },
	{ "an IPv4 address", "https://192.0.2.7/hook", false, true },
	{ "an IPv6 address", "https://[2001:db8::7]:443/hook", false, true },
	{ "http where it is allowed", "http://localhost:8080/", true, true },
	{ "http where it is not", "http://example.com/", false, false },
	{ "another scheme", "ftp://example.com/", true, false },
	{ "a file", "file:///etc/passwd", true, false },
	{ "no scheme", "example.com", true, false },
	{ "no host", "https:///hook", false, false },
	{ "nothing behind the scheme", "https://", false, false },
	{ "a user", "https://user@example.com/", false, false },
	{ "a password", "https://user:word@example.com/", false, false },
	{ "a user in front of another host", "https://example.com@127.0.0.1/", false, false },
	{ "a backslash that ends the host elsewhere", "https://example.com\\@127.0.0.1/", false,
	    false },
	{ "a blank", "https://example.com/a b", false, false },
	{ "a new line", "https://example.com/\r\nHost: x", false, false },
	{ "a letter that is not ASCII", "https://ex\xc3\xa4mple.com/", false, false },
	{ "a fragment", "https://example.com/#a", false, false },
	{ "an escaped host", "https://ex%61mple.com/", false, false },
	{ "a port of letters", "https://example.com:https/", false, false },
	{ "an empty port", "https://example.com:/", false, false },
	{ "the port 0", "https://example.com:0/", false, false },
	{ "the last port", "https://example.com:65535/", false, true },
	{ "a port too large", "https://example.com:65536/", false, false },
	{ "a port of six digits", "https://example.com:000443/", false, false },
	{ "brackets that stay open", "https://[2001:db8::7/", false, false },
	{ "brackets without an address", "https://[]/", false, false },
	{ "something behind the brackets", "https://[::1]x/", false, false },
};

static void
test_url(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *trouble = webhook_url_trouble(rows[i].url, rows[i].allow_http);

		if ((trouble == NULL) != rows[i].good)
			fail_msg("%s: %s", rows[i].sentence, trouble == NULL ? "taken" : trouble);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_url) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
