#include "app/api/health.h"

#include <arpa/inet.h>
#include <string.h>

#include "app/auth.h"
#include "app/metrics.h"
#include "app/ready.h"

bool
health_alive(struct request *req UNUSED, struct reply *reply)
{
	buf_puts(&reply->body, "{\"status\":\"ok\"}");
	return reply_done(reply, 200, "application/json");
}

bool
health_ready(struct request *req, struct reply *reply)
{
	bool well = ready_check(req->task, req->app, &reply->body);

	return reply_done(reply, well ? 200 : 503, "application/json");
}

/* As nginx names its peer. */
static bool
is_loopback(const char *address)
{
	struct in_addr ip;

	if (inet_pton(AF_INET, address, &ip) == 1)
		return ntohl(ip.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET;
	return strcmp(address, "::1") == 0 || strcmp(address, "unix:") == 0;
}

bool
health_metrics(struct request *req, struct reply *reply)
{
	if (!is_loopback(req->address) && !auth_check(req, SCOPE_OPERATOR))
		return false;
	metrics_write(req->task, req->app, &reply->body);
	return reply_done(reply, 200, "text/plain; version=0.0.4; charset=utf-8");
}
