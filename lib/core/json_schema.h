/*
 * Whether a JSON object has the form of a JSON Schema (draft 2020-12, and what older drafts wrote
 * otherwise) that describes the parameters of a tool. What is said of values is not carried out,
 * and keywords that are not known are let through, as the specification has it. Pure.
 */
#ifndef LIB_CORE_JSON_SCHEMA_H
#define LIB_CORE_JSON_SCHEMA_H

#include "lib/base.h"

#define JSON_SCHEMA_DEPTH_MAX 10 /* schemas inside one another */
#define JSON_SCHEMA_NAMES_MAX 256 /* in one "required" */
#define JSON_SCHEMA_PLACE_MAX 160 /* of what is shown of a place */

struct json_schema_trouble {
	const char *message; /* "must be ..." */
	/* Where in the schema, ASCII: ".properties.city.type"; empty: the schema itself. */
	char place[JSON_SCHEMA_PLACE_MAX];
};

/* The object is valid JSON. False: *ret says why. */
NODISCARD bool json_schema_check(struct text object, struct json_schema_trouble *ret);

#endif
