#include "lib/core/redundancy.h"

/* FNV-1a, and the end of MurmurHash3, which spreads it over the table. */
#define HASH_SEED UINT64_C(0xcbf29ce484222325)
#define HASH_PRIME UINT64_C(0x100000001b3)
#define LINE_SEED UINT64_C(0x9e3779b97f4a7c15)

struct reader {
	struct text text;
	size_t at;
};

static bool
is_letter(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c > 0x7f;
}

static uint64_t
add_byte(uint64_t hash, unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		c = (unsigned char)(c - 'A' + 'a');
	return (hash ^ c) * HASH_PRIME;
}

static uint64_t
spread(uint64_t hash)
{
	hash ^= hash >> 33;
	hash *= UINT64_C(0xff51afd7ed558ccd);
	hash ^= hash >> 33;
	hash *= UINT64_C(0xc4ceb9fe1a85ec53);
	return hash ^ hash >> 33;
}

/* The next word's hash; *ret_line: a line ended before it, or the text did. False at the end. */
static bool
next_word(struct reader *reader, uint64_t *ret_hash, bool *ret_line)
{
	uint64_t hash = HASH_SEED;

	*ret_line = false;
	for (; reader->at < reader->text.len; reader->at++) {
		unsigned char c = (unsigned char)reader->text.at[reader->at];

		if (is_letter(c))
			break;
		*ret_line = *ret_line || c == '\n';
	}
	if (reader->at == reader->text.len) {
		*ret_line = true;
		return false;
	}
	for (; reader->at < reader->text.len; reader->at++) {
		unsigned char c = (unsigned char)reader->text.at[reader->at];

		if (!is_letter(c))
			break;
		hash = add_byte(hash, c);
	}
	*ret_hash = spread(hash);
	return true;
}

/* Whether the hash was there; if not, it is now. */
static bool
was_there(const struct redundancy_table *table, uint64_t hash)
{
	/* 0 is an empty place. */
	hash |= 1;
	for (size_t i = 0; i < REDUNDANCY_PROBES; i++) {
		uint64_t *place = &table->at[((size_t)(hash >> 1) + i) & (table->size - 1)];

		if (*place == hash)
			return true;
		if (*place == 0) {
			*place = hash;
			return false;
		}
	}
	return false;
}

static uint64_t
run_hash(const uint64_t last[REDUNDANCY_RUN], int64_t words)
{
	uint64_t hash = HASH_SEED;

	for (int64_t i = words; i < words + REDUNDANCY_RUN; i++)
		hash = spread(hash * HASH_PRIME ^ last[i % REDUNDANCY_RUN]);
	return hash;
}

int64_t
redundancy_count_words(struct text text)
{
	struct reader reader = { .text = text };
	int64_t words = 0;
	uint64_t hash;
	bool line;

	while (next_word(&reader, &hash, &line))
		words++;
	return words;
}

size_t
redundancy_table_size(int64_t words)
{
	size_t size = REDUNDANCY_PROBES;

	/* A run begins at each word, and a line has several: a table that is never fuller than two
	 * thirds. */
	while (size < (size_t)words * 2)
		size *= 2;
	return size;
}

/* Words of the line so far, and their hash. */
struct line {
	int64_t words;
	uint64_t hash;
};

static void
end_line(struct line *line, const struct redundancy_table *table, struct redundancy *sums)
{
	if (line->words >= REDUNDANCY_RUN && was_there(table, spread(line->hash)))
		sums->repeated_lines++;
	*line = (struct line){ .hash = LINE_SEED };
}

struct redundancy
redundancy_measure(struct text text, struct redundancy_table table)
{
	struct reader reader = { .text = text };
	uint64_t last[REDUNDANCY_RUN] = { 0 }, hash;
	struct line line = { .hash = LINE_SEED };
	struct redundancy sums = { 0 };
	int64_t covered = 0; /* words up to here are in a run that came before */
	bool ended;

	while (next_word(&reader, &hash, &ended)) {
		if (ended)
			end_line(&line, &table, &sums);
		line.words++;
		line.hash = spread(line.hash ^ hash);
		last[sums.words++ % REDUNDANCY_RUN] = hash;
		if (sums.words < REDUNDANCY_RUN || !was_there(&table, run_hash(last, sums.words)))
			continue;
		if (covered < sums.words - REDUNDANCY_RUN)
			covered = sums.words - REDUNDANCY_RUN;
		sums.repeated_words += sums.words - covered;
		covered = sums.words;
	}
	end_line(&line, &table, &sums);
	return sums;
}

int64_t
redundancy_score(const struct redundancy *redundancy)
{
	return redundancy->words == 0 ? 0 : redundancy->repeated_words * 10000 / redundancy->words;
}
