#include "tests/test.h"

#include <string.h>

#include "lib/vector.h"

static uint64_t seed = 1;

/* -1 to 1. */
static float
next_random(void)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (float)(seed >> 40) / (float)(1 << 23) - 1.0F;
}

static const struct {
	const char *sentence;
	float a[3], b[3];
	int64_t similarity;
} rows[] = {
	{ "the same", { 1, 2, 3 }, { 1, 2, 3 }, 1000000 },
	{ "the same direction", { 1, 2, 3 }, { 100, 200, 300 }, 1000000 },
	{ "the other direction", { 1, 2, 3 }, { -1, -2, -3 }, -1000000 },
	{ "across", { 1, 0, 0 }, { 0, 1, 0 }, 0 },
	{ "three, four, five", { 1, 0, 0 }, { 3, 4, 0 }, 600000 },
	{ "the largest floats", { 3.4e38F, 3.4e38F, 0 }, { 3.4e38F, 0, 0 }, 707107 },
	{ "the smallest floats", { 1e-45F, 1e-45F, 0 }, { 1e-45F, 0, 0 }, 707107 },
	{ "a small difference", { 1, 0, 0 }, { 1000, 1, 0 }, 1000000 },
	{ "one that is seen", { 1, 0, 0 }, { 100, 1, 0 }, 999950 },
};

static void
make(const float three[3], size_t at, float unit[VECTOR_SIZE])
{
	float vector[VECTOR_SIZE] = { 0 };

	for (size_t i = 0; i < 3; i++)
		vector[(at + i * VECTOR_BLOCK) % VECTOR_SIZE] = three[i];
	assert_true(vector_unit(vector, unit));
}

static void
similarity_is_the_cosine(UNUSED void **state)
{
	float a[VECTOR_SIZE], b[VECTOR_SIZE];

	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t at = 0; at < VECTOR_SIZE; at += 511) {
			make(rows[i].a, at, a);
			make(rows[i].b, at, b);
			if (vector_similarity(a, b) != rows[i].similarity)
				fail_msg("%s: %d", rows[i].sentence, (int)vector_similarity(a, b));
		}
	}
}

static void
zeros_have_no_direction(UNUSED void **state)
{
	float zeros[VECTOR_SIZE] = { 0, -0.0F }, unit[VECTOR_SIZE];

	assert_false(vector_unit(zeros, unit));
}

/* Numbers of very different sizes, near a or far from it. */
static void
make_random(int round, const float *near, float unit[VECTOR_SIZE])
{
	float vector[VECTOR_SIZE];

	for (size_t i = 0; i < VECTOR_SIZE; i++) {
		vector[i] = next_random();
		if (round % 3 == 1)
			vector[i] *= vector[i] * vector[i] * vector[i] * vector[i];
		if (round % 3 == 2 && i % 100 == 7)
			vector[i] *= 1000;
		if (near != NULL)
			vector[i] = near[i] + vector[i] / (float)(1 << (round % 20));
	}
	assert_true(vector_unit(vector, unit));
}

static void
a_sketch_is_never_below_and_not_far_above(UNUSED void **state)
{
	float a[VECTOR_SIZE], b[VECTOR_SIZE];
	uint8_t sketch[VECTOR_SKETCH_BYTES];

	for (int round = 0; round < 3000; round++) {
		int64_t similarity, bound;

		make_random(round, NULL, a);
		make_random(round / 7, round % 2 == 0 ? a : NULL, b);
		vector_sketch(b, sketch);
		similarity = vector_similarity(a, b);
		bound = vector_at_most(a, sketch);
		if (bound < similarity)
			fail_msg("round %d: %d is above %d", round, (int)similarity, (int)bound);
		if (bound > similarity + 300)
			fail_msg(
			    "round %d: %d is far below %d", round, (int)similarity, (int)bound);
	}
}

static void
a_sketch_of_few_numbers_is_exact(UNUSED void **state)
{
	float a[VECTOR_SIZE], b[VECTOR_SIZE];
	uint8_t sketch[VECTOR_SKETCH_BYTES];

	make((const float[3]){ 1, 0, 0 }, 0, a);
	make((const float[3]){ 3, 4, 0 }, 0, b);
	vector_sketch(b, sketch);
	assert_in_range(vector_at_most(a, sketch), 600000, 600003);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(similarity_is_the_cosine),
		cmocka_unit_test(zeros_have_no_direction),
		cmocka_unit_test(a_sketch_is_never_below_and_not_far_above),
		cmocka_unit_test(a_sketch_of_few_numbers_is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
