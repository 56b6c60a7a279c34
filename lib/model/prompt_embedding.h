/*
 * Embeddings of prompts, those like another, and groups of near-duplicates with what they cost.
 *
 * Similarity is the cosine in whole millionths, of vectors scaled to length 1 and kept as floats;
 * the larger is first, of two alike the one with the lesser hash. Only embeddings of one model are
 * compared. Answers are exact: sketches (lib/vector.h) only spare reading the vectors of those that
 * cannot be among the nearest.
 *
 * Every call sees only the rows of task->client.
 */
#ifndef LIB_MODEL_PROMPT_EMBEDDING_H
#define LIB_MODEL_PROMPT_EMBEDDING_H

#include "lib/model/prompt.h"
#include "lib/vector.h"

#define PROMPT_MODEL_MAX 160 /* characters of the name of an embedding's model */
#define PROMPT_SIMILAR_MAX 100 /* rows of an answer */
#define PROMPT_SIMILAR_DEFAULT 10
#define PROMPT_SEARCH_MAX 100000 /* embeddings that are searched, the newest */
#define PROMPT_COMPARE_MAX 5000 /* of those, vectors that are compared */

struct prompt_embedding {
	struct prompt_hash hash;
	const char *model;
	struct id event_id; /* the record that it was sent with last, or nil */
	int64_t seen_at; /* the latest time of a record it came with, or of sending it without */
};

/* In place of what is there of that prompt and model. vector: VECTOR_SIZE numbers, finite.
 * ERR_INVALID naming embedding (all zeros) or event_id. */
NODISCARD bool prompt_put_embedding(struct task *task, struct prompt_embedding *embedding,
    const struct prompt_hash *prefix, const float *vector);
void prompt_write_embedding(struct json_out *out, const void *object);

struct prompt_search {
	const char *model;
	const float *vector; /* NULL: the stored one of hash */
	const struct prompt_hash *hash; /* this one is left out; or NULL */
	int64_t min_similarity; /* millionths */
	int64_t since; /* seen at or after */
	int64_t limit; /* 1 to PROMPT_SIMILAR_MAX */
	int64_t search_max, compare_max; /* PROMPT_SEARCH_MAX and _COMPARE_MAX, or less */
};

struct prompt_match {
	struct prompt_hash hash;
	int64_t similarity; /* millionths */
	struct id event_id;
	int64_t seen_at;
};

struct prompt_matches {
	const struct prompt_match *at;
	size_t count;
	int64_t searched;
	bool complete; /* false: search_max or compare_max ended the search */
};

/* ERR_NOT_FOUND where the stored one is asked for and is not there. */
NODISCARD bool prompt_find_similar(
    struct task *task, const struct prompt_search *search, struct prompt_matches *ret);

extern const char
    *const prompt_embedding_statements[]; /* their SQL, for the tests; NULL behind the last */
extern const char *const prompt_similar_statements[];

#endif
