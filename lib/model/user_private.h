/*
 * What a user consists of, for the file that makes the resource of it.
 */
#ifndef LIB_MODEL_USER_PRIVATE_H
#define LIB_MODEL_USER_PRIVATE_H

#include "lib/model/user.h"

#define USER_FIELDS 19

extern const struct resource_field user_fields[USER_FIELDS];
/* Before it is stored: lib/model/resource_table.h. */
bool user_check(struct task *task, const void *before, void *after);

#endif
