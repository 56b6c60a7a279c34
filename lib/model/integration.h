/*
 * Integrations: how other systems of a client are reached (a shop, any HTTP service), and the
 * endpoints they offer. Configuration and credentials are kept sealed (lib/sealed.h); credentials
 * are in no answer.
 */
#ifndef LIB_MODEL_INTEGRATION_H
#define LIB_MODEL_INTEGRATION_H

#include "lib/model/resource.h"
#include "lib/model/webhook.h"

#define INTEGRATIONS_MAX 100 /* of a client, as below */
#define INTEGRATION_ENDPOINTS_MAX 1000
#define INTEGRATION_TYPE_MAX 40
#define INTEGRATION_NAME_MAX 80
#define INTEGRATION_OBJECT_MAX_BYTES 16384 /* of a configuration, and of credentials */
#define INTEGRATION_PATH_MAX 1024
#define INTEGRATION_DESCRIPTION_MAX 1000

/* What came of calling one. */
enum integration_outcome {
	INTEGRATION_OK, /* it answered with 2xx */
	INTEGRATION_STATUS, /* with another status */
	INTEGRATION_PRIVATE, /* it leads to an address that is not public */
	INTEGRATION_NAME, /* the name leads nowhere */
	INTEGRATION_CONNECTION,
	INTEGRATION_TLS,
	INTEGRATION_TIMEOUT,
	INTEGRATION_SEALED, /* the credentials cannot be opened */
	INTEGRATION_FAILED, /* for another reason */
	INTEGRATION_OUTCOMES
};
extern const char *const integration_outcome_names[]; /* NULL behind the last */

/* Of an integration or an endpoint; asked for and run by lib/model/integration_call.h. */
struct integration_test {
	int64_t due_at; /* 0: nobody waits for one */
	int64_t at; /* of the last; 0: there was none */
	int outcome; /* of enum integration_outcome */
	int64_t status; /* RESOURCE_NONE: nothing answered */
	int64_t duration_ms;
};

struct integration {
	struct resource_head head;
	const char *type; /* as the client calls it: "shopify", "http" */
	const char *name;
	const char *base_url;
	struct text configuration, credentials; /* JSON objects; at NULL: none */
	bool enabled;
	struct integration_test test;
	bool allow_http; /* as the settings say; not stored */
};

enum integration_method {
	INTEGRATION_GET,
	INTEGRATION_HEAD,
	INTEGRATION_POST,
	INTEGRATION_PUT,
	INTEGRATION_PATCH,
	INTEGRATION_DELETE
};
extern const char *const integration_method_names[]; /* NULL behind the last */

struct integration_endpoint {
	struct resource_head head;
	struct id integration;
	const char *name;
	int method; /* of enum integration_method */
	const char *path; /* behind the integration's base_url */
	const char *description;
	bool enabled;
	struct integration_test test;
};

/* Its endpoints go with it. */
extern const struct resource integration_resource, integration_endpoint_resource;

/* The fields of both that tell of the test, for their tables; and one that was never tested. */
#define INTEGRATION_TEST_FIELD(struct_name, member, shown, ...) \
	{ \
		{ .name = shown, .offset = offsetof(struct_name, test.member), __VA_ARGS__ }, \
		    .use = RESOURCE_COUNTED \
	}
#define INTEGRATION_TEST_FIELDS(struct_name) \
	INTEGRATION_TEST_FIELD( \
	    struct_name, due_at, "test_due_at", .type = JSON_TIME, .about = "Waiting for it."), \
	    INTEGRATION_TEST_FIELD(struct_name, at, "last_test_at", .type = JSON_TIME), \
	    INTEGRATION_TEST_FIELD(struct_name, outcome, "last_test_outcome", .type = JSON_CHOICE, \
		.choices = integration_outcome_names), \
	    INTEGRATION_TEST_FIELD(struct_name, status, "last_test_status", .type = JSON_INT), \
	    INTEGRATION_TEST_FIELD( \
		struct_name, duration_ms, "last_test_duration_ms", .type = JSON_INT)
#define INTEGRATION_UNTESTED \
	{ \
		.outcome = INTEGRATION_OUTCOMES, .status = RESOURCE_NONE, \
		.duration_ms = RESOURCE_NONE \
	}

#endif
