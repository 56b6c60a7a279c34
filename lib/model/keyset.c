#include "lib/model/keyset.h"

#include <string.h>

struct id
keyset_below(struct id after)
{
	struct id top;

	if (!id_is_nil(after))
		return after;
	memset(top.bytes, 0xff, sizeof top.bytes);
	return top;
}
