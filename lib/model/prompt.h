/*
 * Prompts, known by their hash: the text is measured and forgotten. A hash is HMAC-SHA-256 of the
 * text's bytes under the client's id (36 letters, lower case): whoever has the text can make it
 * without sending it, and the same text is another hash at another client.
 *
 * Every call sees only the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_PROMPT_H
#define LIB_MODEL_PROMPT_H

#include "lib/core/advice.h"
#include "lib/db.h"
#include "lib/json_write.h"
#include "lib/model/chat_log.h"

#define PROMPT_MAX 1000000 /* characters */
#define PROMPT_TOKENS_MAX INT64_C(1000000000)
/* Bytes that two prompts share when a provider could cache their beginning: about the 1024 tokens
 * from which on they do. A shorter prompt has no prefix. */
#define PROMPT_PREFIX 4096
#define PROMPT_HASH_SIZE 32
#define PROMPT_HASH_DIGITS 64

struct prompt_hash {
	uint8_t bytes[PROMPT_HASH_SIZE];
};

struct prompt_hash prompt_hash(const struct task *task, struct text prompt);
/* 64 hexadecimal digits of either case. ERR_INVALID naming prompt_hash. */
NODISCARD bool prompt_hash_read(struct task *task, const char *digits, struct prompt_hash *ret);
void prompt_hash_write(struct json_out *out, const char *key, const struct prompt_hash *hash);
const char *prompt_hash_digits(struct task *task, const struct prompt_hash *hash);
int prompt_hash_compare(const struct prompt_hash *a, const struct prompt_hash *b);
struct prompt_hash prompt_hash_of_row(const struct db_rows *rows, int row, int column);
void prompt_hash_add(struct db_params *params, const struct prompt_hash *hash); /* NULL is NULL */

/*
 * Keeps that the record was called with this prompt. prefix may be NULL. *ret_log is the record.
 * ERR_INVALID naming event_id where there is none.
 */
NODISCARD bool prompt_add_event(struct task *task, struct id event, const struct prompt_hash *hash,
    const struct prompt_hash *prefix, struct chat_log *ret_log);

/* Counts are all of their kind, cached ones too; ADVICE_UNKNOWN where not given. */
struct prompt_input {
	struct id event_id; /* nil: nothing is kept */
	const char *prompt;
	int64_t input_tokens, output_tokens, cached_input_tokens;
};
/* Its fields in JSON. Start from prompt_input_none. */
extern const struct json_field prompt_analyze_fields[5];
extern const struct prompt_input prompt_input_none;

struct prompt_analysis {
	struct id event_id; /* nil: there is none */
	struct prompt_hash hash;
	int64_t ratio; /* input to input and output, in ten-thousandths; or ADVICE_UNKNOWN */
	int64_t redundancy; /* lib/core/redundancy.h, in ten-thousandths */
	uint64_t advice; /* 1 << enum advice */
	int64_t analyzed_at;
};

/* What the input does not give is the record's. */
NODISCARD bool prompt_analyze(
    struct task *task, const struct prompt_input *input, struct prompt_analysis *ret);
NODISCARD bool prompt_find_analysis(
    struct task *task, struct id event, struct prompt_analysis *ret);
void prompt_write_analysis(struct json_out *out, const void *object); /* a struct prompt_analysis */

extern const char *const prompt_statements[]; /* their SQL, for the tests; NULL behind the last */
extern const char *const prompt_analysis_statements[];

#endif
