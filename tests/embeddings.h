/*
 * Embeddings for tests of the search: clusters of vectors, near one another in many degrees, some
 * alike. Stored as the client of the task; kept here, so that a search of all of them can be done
 * beside the model's.
 */
#ifndef TESTS_EMBEDDINGS_H
#define TESTS_EMBEDDINGS_H

#include "lib/model/prompt_embedding.h"

#define EMBEDDINGS_COUNT 600
#define EMBEDDINGS_MODEL "m"
#define EMBEDDINGS_CLIENT "01930000-0000-7000-8000-000000000001" /* made by the test */

/* Makes the embeddings and stores them; the task's client is set. Commits. */
void embeddings_store(struct task *task);
const struct prompt_hash *embeddings_hash(size_t i);
const float *embeddings_unit(size_t i); /* of length 1 */
/* A vector to look for, different in each round: near a cluster, far from all, or a stored one. */
void embeddings_pick(int round, float ret[VECTOR_SIZE]);

/* All of them compared with the vector, the nearest first, as the model puts them; the same array
 * each time. since and model do not matter, the embedding skip (or SIZE_MAX) is left out. */
const struct prompt_match *embeddings_order(const float *vector, size_t skip, size_t *ret_count);

#endif
