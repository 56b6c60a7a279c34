/*
 * Bodies for any resource, made of its table: what it takes, but for one field.
 */
#ifndef TESTS_SAMPLE_H
#define TESTS_SAMPLE_H

#include "app/router.h"
#include "lib/model/resource.h"

/* The row of a resource's route that one of the handlers in app/rest.h answers, or NULL. */
const struct route *sample_route(
    const struct resource *resource, bool (*handle)(struct request *, struct reply *));
/* Where it is added and listed: "/v1/users". Of what has a parent, one that the key's client has;
 * made at the first call with the key. */
const char *sample_path(const struct resource *resource);

/* A good value of the field as JSON, another one each time; one that names a row makes it. */
const char *sample_value(const struct resource_field *field);
/* Whether it is a list of ids, as texts. */
bool sample_is_ids(const struct resource_field *field);
/* Whether it stands in quotes. */
bool sample_is_quoted(const struct resource_field *field);
/* A text field's value of so many characters that has its form; NULL: its form has no such. */
const char *sample_text(const struct resource_field *field, size_t length);

/* The field as errors name it: "scope.tag". */
const char *sample_name(const struct resource_field *field);
bool sample_leaves_out(const struct resource *resource, const struct resource_field *field);
/* Whether samples always have the same, for the sake of other fields. */
bool sample_is_fixed(const struct resource *resource, const struct resource_field *field);
/* Whether lists can be asked for what has it. */
bool sample_is_parameter(const struct resource_field *field);
/* Whether it is the id of a row that there must be. */
bool sample_names_a_row(const struct resource_field *field);
/* Whether that row is an operator's, which every client may name. */
bool sample_names_a_shared_row(const struct resource_field *field);

/* Every field that may be given when one is added, but name with this value (NULL: left out). */
const char *sample_body(const struct resource *resource, const char *name, const char *value);

/* A new client's key, or the operator's, whichever may use the resource. */
void sample_use_key(const struct resource *resource);
/* Adds one; its path, kept until the program ends. */
const char *sample_add(const struct resource *resource);

#endif
