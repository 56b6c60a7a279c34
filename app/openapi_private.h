/*
 * What the files of app/openapi*.c share: the members of a schema, written into an open object.
 */
#ifndef APP_OPENAPI_PRIVATE_H
#define APP_OPENAPI_PRIVATE_H

#include "lib/json_write.h"

/* The schema of an object with these fields. */
void openapi_write_fields(struct json_out *out, const struct json_field *fields, size_t count);
void openapi_write_type(struct json_out *out, const struct json_field *field);
void openapi_write_string(struct json_out *out, const char *format);

#endif
