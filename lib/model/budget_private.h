/*
 * Between the files of budgets: the table.
 */
#ifndef LIB_MODEL_BUDGET_PRIVATE_H
#define LIB_MODEL_BUDGET_PRIVATE_H

#include "lib/model/budget.h"

#define BUDGET_FIELDS 25
extern const struct resource_field budget_fields[BUDGET_FIELDS];

#endif
