#include "lib/core/threshold.h"

#include <assert.h>

#define HUNDRED 100

__extension__ typedef __int128 int128;

int64_t
threshold_amount(int64_t limit, int64_t percent)
{
	int128 amount = ((int128)limit * percent + HUNDRED - 1) / HUNDRED;

	assert(limit >= 0 && percent >= 0);
	if (amount < 1)
		return 1;
	return amount > INT64_MAX ? INT64_MAX : (int64_t)amount;
}
