/*
 * A record as it comes in: read, checked, given its id, its time, its disjoint token classes, its
 * price and its day.
 */
#ifndef APP_INGEST_RECORD_H
#define APP_INGEST_RECORD_H

#include "app/auth.h"
#include "app/cache.h"
#include "lib/core/totals.h"
#include "lib/model/authorization.h"
#include "lib/model/chat_log.h"

#define RECORD_METADATA_MAX 16384
#define RECORD_TOOLS_MAX 64
#define RECORD_TOOL_MAX 128 /* characters of a tool's name */
#define RECORD_TAGS_MAX 16
#define RECORD_TAG_MAX 64
#define RECORD_LENGTH_MAX INT64_C(1000000000)
#define RECORD_TOKENS_USED_MAX INT64_C(5000000000)
#define RECORD_COST_MAX INT64_C(1000000000000000) /* nano-dollars: a million dollars */
#define RECORD_DURATION_MAX_MS INT64_C(86400000)
#define RECORD_ERROR_MAX 4096

struct record {
	struct chat_log log;
	const char *external_user_id; /* NULL where not given; log.user_id follows from it then */
	int32_t day; /* in the client's zone */
};

/* What is read before it becomes a record. */
struct record_input {
	struct chat_log log;
	const char *id;
	const char *external_user_id;
	/* What the sender's own prices made of the call: it is kept as the estimate, and ours in
	 * metadata as tally_cost_cents. CHAT_LOG_NONE: not said. */
	int64_t reported_cost_nanos;
	const char *priced_as; /* the provider in whose name the price list has the model; NULL:
				  log.provider */
};

/* The last is authorization_id, which a settle has in its path. */
extern const struct json_field record_fields[32];
#define RECORD_SETTLE_FIELDS 31

/*
 * From one JSON object, on behalf of the key. ERR_SYNTAX, ERR_INVALID with all bad fields. settles:
 * what the record settles, which gives it an id and a time where it has none; where it is settled
 * already, the record is taken for the one that did. NULL: the record may name one itself.
 */
NODISCARD bool record_read(struct task *task, struct cache *cache, const struct identity *identity,
    const struct authorization *settles, struct text json, struct record *ret);

/*
 * The same for what comes in another form than ours. The input begins as the first makes it. The
 * second sets one value as a text by the field's row of record_fields: false and ERR_INVALID where
 * it does not fit. Token counts may stand as LiteLLM and the conventions of OpenTelemetry have
 * them, cached tokens inside input_tokens whatever the provider; and where the parts are larger
 * than the whole, they can only be meant beside it.
 */
void record_input_make_empty(struct record_input *input);
NODISCARD bool record_input_set(
    struct task *task, struct record_input *input, const char *field, struct text value);
/* The characters, or the most, that the field may have. */
size_t record_field_max(const char *field);
NODISCARD bool record_make(struct task *task, struct cache *cache, const struct identity *identity,
    struct record_input *input, struct record *ret);

/* What the record adds to the sums of its day. */
void record_add(const struct record *record, struct totals *totals);

#endif
