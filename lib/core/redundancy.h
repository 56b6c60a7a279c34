/*
 * How much of a text repeats what it has said already: the share of its words that stand in a run
 * of REDUNDANCY_RUN words that came before. Pure; linear in the text; memory is the caller's.
 *
 * A word is a run of ASCII letters, digits and bytes above 0x7f, in lower case; all else parts
 * words. Runs go over the ends of lines.
 *
 *	"be kind to all. Be kind to all!"  8 words, the last 4 came before: 5000
 *	"a a a a a a a a"                  8 words, a run begins anew at each: 8750
 *	"one two three four five six"      nothing came before: 0
 *	"be kind, be kind"                 the only run is the first: 0
 *
 * A line of at least REDUNDANCY_RUN words that stood before, word for word, is a repeated line.
 */
#ifndef LIB_CORE_REDUNDANCY_H
#define LIB_CORE_REDUNDANCY_H

#include "lib/base.h"

#define REDUNDANCY_RUN 4
/* Places in which a run is looked for: where that many others are in its way, it counts as new. So
 * no text takes more than linear time, and none that was not made for it notices. */
#define REDUNDANCY_PROBES 64

/* Zeroed, and of redundancy_table_size() places. */
struct redundancy_table {
	uint64_t *at;
	size_t size;
};

struct redundancy {
	int64_t words;
	int64_t repeated_words;
	int64_t repeated_lines;
};

int64_t redundancy_count_words(struct text text);
/* How large a table the text needs: a power of two. */
size_t redundancy_table_size(int64_t words);
struct redundancy redundancy_measure(struct text text, struct redundancy_table table);
/* In ten-thousandths, rounded down; 0 where there are no words. */
int64_t redundancy_score(const struct redundancy *redundancy);

#endif
