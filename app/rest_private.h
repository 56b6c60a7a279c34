/*
 * What a body or a query of a resource's route is read into, by tables that are made of the
 * resource's.
 */
#ifndef APP_REST_PRIVATE_H
#define APP_REST_PRIVATE_H

#include <stddef.h>

#include "app/page.h"
#include "app/rest.h"

struct rest_input {
	struct page page;
	bool deleted;
	int by; /* a choice of rest_groups() */
	bool has_by;
	bool given[RESOURCE_FIELDS_MAX];
	bool nulled[RESOURCE_FIELDS_MAX];
	max_align_t object[]; /* of the resource */
};

#endif
