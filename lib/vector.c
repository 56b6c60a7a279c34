#include "lib/vector.h"

#include <endian.h>
#include <string.h>

#define LANES 8
#define STEP_MAX INT16_MAX /* the largest number of a sketch */
#define BLOCK_BYTES (VECTOR_BLOCK * sizeof(int16_t))
#define SCALES_AT (VECTOR_SIZE * sizeof(int16_t))
/*
 * More than what roundings add to a similarity: a unit vector of floats is off by 6e-8 in length, a
 * scale of a sketch by as much, sums of floats in a block by 6e-7 in all.
 */
#define SLACK 1e-6

/* A fixed order of the sums, so that every build gives the same; eight at once. */
static double
dot(const float *a, const float *b, size_t count)
{
	double sums[LANES] = { 0 }, sum = 0;

	for (size_t i = 0; i < count; i += LANES) {
		for (size_t lane = 0; lane < LANES; lane++)
			sums[lane] += (double)a[i + lane] * (double)b[i + lane];
	}
	for (size_t lane = 0; lane < LANES; lane++)
		sum += sums[lane];
	return sum;
}

/* sqrt() would be all that libm is linked for. By Newton from above, until nothing changes: exact
 * but for the last bit, the same on every machine. */
static double
root(double square)
{
	double now = square > 1 ? square : 1, before;

	if (square == 0)
		return 0;
	do {
		before = now;
		now = (before + square / before) / 2;
	} while (now < before);
	return before;
}

bool
vector_unit(const float *vector, float ret[VECTOR_SIZE])
{
	/* In double no square of a float overflows, or is lost. */
	double length = root(dot(vector, vector, VECTOR_SIZE));

	if (length == 0)
		return false;
	for (size_t i = 0; i < VECTOR_SIZE; i++)
		ret[i] = (float)((double)vector[i] / length);
	return true;
}

/* To the nearest whole number, a half away from zero. */
static int64_t
whole(double number)
{
	return (int64_t)(number < 0 ? number - 0.5 : number + 0.5);
}

static int64_t
in_millionths(double cosine)
{
	int64_t millionths = whole(cosine * (double)VECTOR_SCALE);

	if (millionths > VECTOR_SCALE)
		return VECTOR_SCALE;
	return millionths < -VECTOR_SCALE ? -VECTOR_SCALE : millionths;
}

int64_t
vector_similarity(const float *a, const float *b)
{
	return in_millionths(dot(a, b, VECTOR_SIZE));
}

static void
write_float(uint8_t *at, float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	bits = htobe32(bits);
	memcpy(at, &bits, sizeof(bits));
}

static double
read_float(const uint8_t *at)
{
	uint32_t bits;
	float value;

	memcpy(&bits, at, sizeof(bits));
	bits = be32toh(bits);
	memcpy(&value, &bits, sizeof(value));
	return (double)value;
}

static void
write_step(uint8_t *at, int64_t step)
{
	at[0] = (uint8_t)((uint64_t)step >> 8);
	at[1] = (uint8_t)step;
}

static int16_t
read_step(const uint8_t *at)
{
	return (int16_t)(uint16_t)(at[0] << 8 | at[1]);
}

/* The block's numbers; the square of the length of what they leave out. */
static double
sketch_block(const float *block, uint8_t *bytes, uint8_t *scale_at)
{
	float largest = 0, scale;
	double left = 0;

	for (size_t i = 0; i < VECTOR_BLOCK; i++) {
		float size = block[i] < 0 ? -block[i] : block[i];

		largest = size > largest ? size : largest;
	}
	scale = largest / STEP_MAX;
	write_float(scale_at, scale);
	for (size_t i = 0; i < VECTOR_BLOCK; i++) {
		int64_t steps = scale > 0 ? whole((double)block[i] / (double)scale) : 0;
		double error;

		/* The scale of a block of next to nothing is rounded much. */
		if (steps > STEP_MAX || steps < -STEP_MAX)
			steps = steps < 0 ? -STEP_MAX : STEP_MAX;
		error = (double)block[i] - (double)steps * (double)scale;
		write_step(bytes + i * sizeof(int16_t), steps);
		left += error * error;
	}
	return left;
}

void
vector_sketch(const float *unit, uint8_t ret[VECTOR_SKETCH_BYTES])
{
	uint8_t *scales = ret + SCALES_AT;
	double left = 0;

	for (size_t i = 0; i < VECTOR_BLOCKS; i++)
		left += sketch_block(
		    unit + i * VECTOR_BLOCK, ret + i * BLOCK_BYTES, scales + i * sizeof(float));
	write_float(scales + VECTOR_BLOCKS * sizeof(float), (float)root(left));
}

static double
dot_block(const float *block, const uint8_t *bytes)
{
	float sums[LANES] = { 0 };
	double sum = 0;

	for (size_t i = 0; i < VECTOR_BLOCK; i += LANES) {
		for (size_t lane = 0; lane < LANES; lane++)
			sums[lane] += block[i + lane] *
				      (float)read_step(bytes + (i + lane) * sizeof(int16_t));
	}
	for (size_t lane = 0; lane < LANES; lane++)
		sum += (double)sums[lane];
	return sum;
}

int64_t
vector_at_most(const float *unit, const uint8_t sketch[VECTOR_SKETCH_BYTES])
{
	const uint8_t *scales = sketch + SCALES_AT;
	double cosine = 0;

	for (size_t i = 0; i < VECTOR_BLOCKS; i++)
		cosine += read_float(scales + i * sizeof(float)) *
			  dot_block(unit + i * VECTOR_BLOCK, sketch + i * BLOCK_BYTES);
	/* What is left out makes at most its length, by Cauchy and Schwarz; a unit is rounded up.
	 */
	cosine += read_float(scales + VECTOR_BLOCKS * sizeof(float)) * (1 + SLACK) + 2 * SLACK;
	return in_millionths(cosine);
}
