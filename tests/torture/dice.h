/*
 * Random numbers that are the same on every machine for the same seed (splitmix64 by Vigna).
 */
#ifndef TESTS_TORTURE_DICE_H
#define TESTS_TORTURE_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
	uint64_t state;
};

uint64_t dice_throw(struct dice *dice);
/* 0 to sides - 1. */
int dice_roll(struct dice *dice, int sides);
bool dice_chance(struct dice *dice, int percent);
/* Dice of its own for each thread, so that none's order depends on the others. */
struct dice dice_split(struct dice *dice);

#endif
