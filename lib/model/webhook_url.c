/* The form of a webhook's URL, RFC 3986, as far as we take it. */
#include "lib/model/webhook.h"

#include <string.h>

#define PORT_DIGITS_MAX 5
#define PORT_MAX 65535
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

bool
webhook_url_plain(const char *url)
{
	for (; *url != '\0'; url++) {
		if (*url <= ' ' || *url > '~' || strchr("\"<>\\^`{|}#", *url) != NULL)
			return false;
	}
	return true;
}

static bool
is_port(const char *at, size_t len)
{
	int port = 0;

	if (len == 0 || len > PORT_DIGITS_MAX || strspn(at, DIGITS) < len)
		return false;
	for (size_t i = 0; i < len; i++)
		port = port * 10 + (at[i] - '0');
	return port > 0 && port <= PORT_MAX;
}

/* A name or IPv4 address, or an IPv6 address in brackets, and maybe a port. */
static bool
is_host(const char *at, size_t len)
{
	size_t host;

	if (at[0] == '[') {
		host = 1 + strspn(at + 1, DIGITS "ABCDEFabcdef:.");
		if (host < 2 || at[host] != ']')
			return false;
		host++;
	} else {
		host = strspn(at, LETTERS DIGITS ".-");
	}
	if (host == 0 || host > len)
		return false;
	return host == len || (at[host] == ':' && is_port(at + host + 1, len - host - 1));
}

const char *
webhook_url_trouble(const char *url, bool allow_http)
{
	const char *host;
	size_t len;

	if (strncmp(url, "https://", 8) == 0)
		host = url + 8;
	else if (allow_http && strncmp(url, "http://", 7) == 0)
		host = url + 7;
	else
		return allow_http ? "must begin with https:// or http://"
				  : "must begin with https://";
	if (!webhook_url_plain(url))
		return "holds a character that a URL may not hold here";
	len = strcspn(host, "/?");
	if (memchr(host, '@', len) != NULL)
		return "must not hold a user or a password";
	return is_host(host, len) ? NULL : "must name a host, and maybe a port";
}
