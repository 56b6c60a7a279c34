#include "tests/embeddings.h"

#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLUSTERS 6
#define ALIKE 5 /* of each so many one is the one before it */

static float centres[CLUSTERS][VECTOR_SIZE];
static float units[EMBEDDINGS_COUNT][VECTOR_SIZE];
static struct prompt_hash hashes[EMBEDDINGS_COUNT];
static struct prompt_match order[EMBEDDINGS_COUNT];
static uint64_t seed = 7;

/* -1 to 1. */
static float
next_random(void)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (float)(seed >> 40) / (float)(1 << 23) - 1.0F;
}

static void
make_near(const float *centre, float noise, float ret[VECTOR_SIZE])
{
	for (size_t i = 0; i < VECTOR_SIZE; i++)
		ret[i] = centre[i] + noise * next_random();
}

static void
check(const struct task *task, bool done)
{
	if (!done)
		fail_msg("%s (%s)", task->err.text, task->err.cause ? task->err.cause : "");
}

static void
store_one(struct task *task, size_t i, const float *vector)
{
	struct prompt_embedding embedding = { .model = EMBEDDINGS_MODEL };
	char name[24];
	int len = snprintf(name, sizeof(name), "prompt %zu", i);

	hashes[i] = prompt_hash(task, (struct text){ name, (size_t)len });
	assert_true(vector_unit(vector, units[i]));
	embedding.hash = hashes[i];
	check(task, prompt_put_embedding(task, &embedding, NULL, vector));
}

void
embeddings_store(struct task *task)
{
	float vector[VECTOR_SIZE];

	assert_true(id_parse((struct text){ EMBEDDINGS_CLIENT, ID_TEXT_SIZE - 1 }, &task->client));
	for (size_t i = 0; i < CLUSTERS; i++) {
		for (size_t j = 0; j < VECTOR_SIZE; j++)
			centres[i][j] = next_random();
	}
	for (size_t i = 0; i < EMBEDDINGS_COUNT; i++) {
		if (i % ALIKE != 1)
			make_near(centres[i % CLUSTERS], 2.0F / (float)(1 << (i % 14)), vector);
		store_one(task, i, vector);
		/* No two are seen at the same time. */
		task->now++;
	}
	check(task, db_commit(task));
}

const struct prompt_hash *
embeddings_hash(size_t i)
{
	return &hashes[i];
}

const float *
embeddings_unit(size_t i)
{
	return units[i];
}

void
embeddings_pick(int round, float ret[VECTOR_SIZE])
{
	if (round % 4 == 3)
		memcpy(ret, units[(size_t)round * 37 % EMBEDDINGS_COUNT], sizeof(units[0]));
	else
		make_near(centres[round % CLUSTERS], 8.0F / (float)(1 << (round % 12)), ret);
}

static int
compare(const void *a, const void *b)
{
	const struct prompt_match *one = a, *two = b;

	if (one->similarity != two->similarity)
		return one->similarity > two->similarity ? -1 : 1;
	return prompt_hash_compare(&one->hash, &two->hash);
}

const struct prompt_match *
embeddings_order(const float *vector, size_t skip, size_t *ret_count)
{
	float unit[VECTOR_SIZE];
	size_t count = 0;

	assert_true(vector_unit(vector, unit));
	for (size_t i = 0; i < EMBEDDINGS_COUNT; i++) {
		if (i != skip)
			order[count++] = (struct prompt_match){
				.hash = hashes[i],
				.similarity = vector_similarity(unit, units[i]),
			};
	}
	qsort(order, count, sizeof(*order), compare);
	*ret_count = count;
	return order;
}
