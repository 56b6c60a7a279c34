/* The parameters, as OpenAI names them. */
#include "app/api/organization.h"
#include "app/api/organization_query.h"

#define SECOND_FIRST INT64_C(946684800) /* 2000-01-01: the offsets of zones are quarter-hours */
#define SECOND_LAST INT64_C(4102444800) /* 2100-01-01 */
#define NAME_MAX_LENGTH 255

static const char *const day_names[] = { "1d", NULL };

#define SECONDS(key, needed, text) \
	{ \
		.name = #key, .type = JSON_INT, \
		.offset = offsetof(struct organization_input, key), .given = JSON_ALWAYS, \
		.required = (needed), .min = SECOND_FIRST, .max = SECOND_LAST, .about = (text) \
	}
#define NAMES(key, most, text) \
	{ \
		.name = #key, .type = JSON_TEXTS, \
		.offset = offsetof(struct organization_input, key), .given = JSON_ALWAYS, \
		.min = 1, .max = (most), .max_item = NAME_MAX_LENGTH, .about = (text) \
	}
#define RANGE_FIELDS \
	SECONDS(start_time, true, "Unix seconds; the bucket that holds it is the first."), \
	    SECONDS(end_time, false, \
		"Unix seconds, exclusive; the bucket that it falls into is the last, and whole. " \
		"Now where not given.")
#define WIDTH_FIELD(names, text) \
	{ \
		.name = "bucket_width", .type = JSON_CHOICE, \
		.offset = offsetof(struct organization_input, bucket_width), .given = JSON_ALWAYS, \
		.choices = (names), .about = (text) \
	}
#define PAGE_FIELDS_OF(most, text) \
	{ .name = "limit", \
		.type = JSON_INT, \
		.offset = offsetof(struct organization_input, limit), \
		.given = JSON_ALWAYS, \
		.min = 1, \
		.max = (most), \
		.about = (text) }, \
	{ \
		.name = "page", .type = JSON_TEXT, \
		.offset = offsetof(struct organization_input, page), .given = JSON_ALWAYS, \
		.min = 1, .max = 64, \
		.about = "next_page of the page before; the other parameters as they were." \
	}
#define PROJECT_FIELD \
	NAMES(project_ids, ORGANIZATION_NAMES_MAX, "The only project is the client, by its id.")

const struct json_field organization_costs_fields[7] = {
	RANGE_FIELDS,
	WIDTH_FIELD(day_names, "Days of UTC."),
	NAMES(group_by, 8, "project_id and line_item; a line item is a model, or adjustments."),
	PROJECT_FIELD,
	PAGE_FIELDS_OF(ORGANIZATION_COSTS_MAX, "Buckets of a page; 7 where not given."),
};

const struct json_field organization_completions_fields[9] = {
	RANGE_FIELDS,
	WIDTH_FIELD(organization_width_names, "Days or hours of UTC; 1d where not given."),
	NAMES(group_by, 8, "project_id, and either model or user_id."),
	PROJECT_FIELD,
	NAMES(user_ids, ORGANIZATION_NAMES_MAX, "Only these users; not beside models."),
	NAMES(models, ORGANIZATION_NAMES_MAX, "Only these models; not beside users."),
	PAGE_FIELDS_OF(ORGANIZATION_HOURS_MAX,
	    "Buckets of a page: by day at most 31, 7 where not given; by hour at most 168, 24 where "
	    "not given."),
};
