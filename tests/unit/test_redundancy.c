#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "lib/core/redundancy.h"

static struct redundancy
measure(struct text text)
{
	size_t size = redundancy_table_size(redundancy_count_words(text));
	struct redundancy_table table = { calloc(size, sizeof(uint64_t)), size };
	struct redundancy sums = redundancy_measure(text, table);

	free(table.at);
	return sums;
}

static const struct {
	const char *sentence;
	const char *text;
	int64_t words;
	int64_t score;
	int64_t lines;
} rows[] = {
	{ "nothing", "", 0, 0, 0 },
	{ "no words", " .,;\n\n--", 0, 0, 0 },
	{ "one word", "a", 1, 0, 0 },
	{ "nothing came before", "one two three four five six", 6, 0, 0 },
	{ "half of it came before", "be kind to all. Be kind to all!", 8, 5000, 0 },
	{ "a run begins anew at each word", "a a a a a a a a", 8, 8750, 0 },
	{ "the only run is the first", "be kind, be kind", 4, 0, 0 },
	{ "three words are no run", "be kind to x be kind to y", 8, 0, 0 },
	{ "five words are two runs and count five", "a b c d e x a b c d e", 11, 4545, 0 },
	{ "two runs apart", "a b c d x a b c d y a b c d", 14, 5714, 0 },
	{ "a line again", "be kind to all\nBe kind to ALL", 8, 5000, 1 },
	{ "a line of three words is none", "be kind all\nbe kind all\nbe kind all", 9, 6666, 0 },
	{ "a line twice again", "a b c d\na b c d\na b c d", 12, 6666, 2 },
	{ "a line that goes on is another", "a b c d\na b c d e", 9, 4444, 0 },
	{ "empty lines are none", "\n\n\n\na b c d\n\n\n", 4, 0, 0 },
	{ "the order counts", "a b c d d c b a", 8, 0, 0 },
	{ "letters above ASCII are letters",
	    "\xc3\xa4 \xc3\xb6 \xc3\xbc \xc3\x9f \xc3\xa4 \xc3\xb6 \xc3\xbc \xc3\x9f", 8, 5000, 0 },
	{ "digits are letters", "1 2 3 4,1,2,3,4", 8, 5000, 0 },
	{ "part of a word is none", "ab c d e b c d e", 8, 0, 0 },
};

static void
what_repeats_is_counted(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct redundancy sums =
		    measure((struct text){ rows[i].text, strlen(rows[i].text) });

		if (sums.words != rows[i].words || redundancy_score(&sums) != rows[i].score ||
		    sums.repeated_lines != rows[i].lines)
			fail_msg("%s: %d words, %d, %d lines", rows[i].sentence, (int)sums.words,
			    (int)redundancy_score(&sums), (int)sums.repeated_lines);
	}
}

static uint64_t seed = 1;

static uint64_t
next_random(void)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return seed >> 33;
}

/* Words that never come twice, then all of them once more: what is told of a long text. */
static void
a_long_text_is_measured_as_a_short_one(UNUSED void **state)
{
	enum { WORDS = 100000, WIDTH = 8 };
	char *text = malloc(2 * WORDS * WIDTH);
	struct redundancy sums;

	for (size_t i = 0; i < WORDS; i++) {
		char *word = text + i * WIDTH;

		for (size_t digit = 0, left = i; digit < WIDTH - 1; digit++, left /= 26)
			word[digit] = (char)('a' + left % 26);
		word[WIDTH - 1] = i % 10 == 9 ? '\n' : ' ';
	}
	memcpy(text + WORDS * WIDTH, text, WORDS * WIDTH);
	sums = measure((struct text){ text, WORDS * WIDTH });
	assert_int_equal(sums.words, WORDS);
	assert_int_equal(sums.repeated_words, 0);
	assert_int_equal(sums.repeated_lines, 0);
	sums = measure((struct text){ text, 2 * WORDS * WIDTH });
	assert_int_equal(sums.words, 2 * WORDS);
	/* A run over the seam is new; all others are not. */
	assert_int_equal(sums.repeated_words, WORDS);
	assert_int_equal(sums.repeated_lines, WORDS / 10);
	free(text);
}

/* Whatever stands there, a share is a share; nothing behind the text or the table is touched. */
static void
any_bytes_are_measured(UNUSED void **state)
{
	for (int round = 0; round < 500; round++) {
		size_t len = next_random() % 300;
		char *bytes = malloc(len + 1);
		struct redundancy sums;

		for (size_t i = 0; i < len; i++)
			bytes[i] = "ab \n\xff"[next_random() % 5];
		sums = measure((struct text){ bytes, len });
		assert_in_range(redundancy_score(&sums), 0, 9999);
		assert_true(sums.repeated_words <= sums.words);
		free(bytes);
	}
}

/* Where all places in which a run is looked for are taken, it is new, and nobody looks further. */
static void
a_full_table_ends_the_search(UNUSED void **state)
{
	uint64_t table[REDUNDANCY_PROBES];
	struct redundancy sums;

	memset(table, 0xff, sizeof(table));
	sums = redundancy_measure(
	    (struct text){ "a a a a a a", 11 }, (struct redundancy_table){ table, COUNT(table) });
	assert_int_equal(sums.words, 6);
	assert_int_equal(sums.repeated_words, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_repeats_is_counted),
		cmocka_unit_test(a_long_text_is_measured_as_a_short_one),
		cmocka_unit_test(any_bytes_are_measured),
		cmocka_unit_test(a_full_table_ends_the_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
