/*
 * Webhooks: where a client's alerts are delivered to. Each has a secret that signs what it is sent
 * (lib/model/delivery.h); it is shown once, and only the jobs can read it.
 */
#ifndef LIB_MODEL_WEBHOOK_H
#define LIB_MODEL_WEBHOOK_H

#include "lib/model/alert.h"
#include "lib/model/resource.h"

#define WEBHOOKS_MAX 20 /* of a client */
#define WEBHOOK_URL_MAX 2048
#define WEBHOOK_PREFIX "whsec_"
#define WEBHOOK_SECRET_DIGITS 43 /* base 62: 256 bits */
#define WEBHOOK_SECRET_SIZE (sizeof WEBHOOK_PREFIX + WEBHOOK_SECRET_DIGITS)

struct webhook {
	struct resource_head head;
	const char *url;
	struct json_texts events; /* of alert_kind_names */
	bool active; /* false: nothing is sent; what waits is sent when it is active again */
	const char *secret; /* of one that has just been added */
	bool allow_http; /* as the settings say; not stored */
};

/* What waits to be delivered to one goes with it. */
extern const struct resource webhook_resource;

/* What is wrong with a URL, or NULL. Where it leads is looked at when something is sent. */
const char *webhook_url_trouble(const char *url, bool allow_http);
/* Whether all its characters may stand in a URL. */
bool webhook_url_plain(const char *url);

#endif
