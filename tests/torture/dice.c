#include "tests/torture/dice.h"

uint64_t
dice_throw(struct dice *dice)
{
	uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

int
dice_roll(struct dice *dice, int sides)
{
	return (int)(dice_throw(dice) % (uint64_t)sides);
}

bool
dice_chance(struct dice *dice, int percent)
{
	return dice_roll(dice, 100) < percent;
}

struct dice
dice_split(struct dice *dice)
{
	return (struct dice){ .state = dice_throw(dice) };
}
