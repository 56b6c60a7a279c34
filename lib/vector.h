/*
 * Vectors of VECTOR_SIZE numbers and the cosine between them, and sketches: the same in two
 * bytes for each number, with a bound on what that leaves out. Whoever looks for the nearest of
 * many reads the sketches, and the vectors of those only that could be among the nearest. Pure.
 */
#ifndef LIB_VECTOR_H
#define LIB_VECTOR_H

#include "lib/base.h"

#define VECTOR_SIZE 1536
#define VECTOR_BLOCK 64 /* numbers of a sketch that share a scale */
#define VECTOR_BLOCKS (VECTOR_SIZE / VECTOR_BLOCK)
#define VECTOR_SCALE INT64_C(1000000) /* similarities are whole millionths */

/* An int16_t for each number, a float for the scale of each block, and one for the length of what
 * is left out; big-endian. */
#define VECTOR_SKETCH_BYTES (VECTOR_SIZE * sizeof(int16_t) + (VECTOR_BLOCKS + 1) * sizeof(float))

/* The vector of length 1 in the same direction. False where it has none: all zeros. */
NODISCARD bool vector_unit(const float *vector, float ret[VECTOR_SIZE]);
/* The cosine of two vectors of length 1, in millionths, -1000000 to 1000000. */
int64_t vector_similarity(const float *a, const float *b);

/* Of a vector of length 1. */
void vector_sketch(const float *unit, uint8_t ret[VECTOR_SKETCH_BYTES]);
/* Never less than vector_similarity() of the two, and not much more. */
int64_t vector_at_most(const float *unit, const uint8_t sketch[VECTOR_SKETCH_BYTES]);

#endif
