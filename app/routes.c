#include "app/routes.h"

static const struct routes *const chapters[] = { &routes_records, &routes_money, &routes_people,
	&routes_work };

const struct route *
route_at(size_t i)
{
	for (size_t chapter = 0; chapter < COUNT(chapters); chapter++) {
		if (i < chapters[chapter]->count)
			return &chapters[chapter]->at[i];
		i -= chapters[chapter]->count;
	}
	return NULL;
}
