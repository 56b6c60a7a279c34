/*
 * The columns of FOCUS, the FinOps Open Cost and Usage Specification, version 1.2.
 *
 * A row of usage is a day of one provider, model, feature and agent type; its token classes, which
 * have prices of their own, are in columns beside it (x_...), for the rollups know what they cost
 * together only. For the same reason there are no unit prices and no SkuPriceId: the specification
 * asks for them only from who publishes prices by SKU. Costs are US dollars, to the nano-dollar.
 * What a provider invoices, a region or a resource is not known here: those columns are null.
 */
#ifndef LIB_MODEL_FOCUS_H
#define LIB_MODEL_FOCUS_H

#include "lib/core/period.h"
#include "lib/model/adjustment.h"
#include "lib/model/usage.h"
#include "lib/row.h"

#define FOCUS_VERSION "1.2"
#define FOCUS_UNKNOWN "unspecified" /* where the specification allows no null */

/* What all rows of a client's day share. */
struct focus_bill {
	struct id client;
	const char *client_name;
	struct window day;
	struct window month; /* the billing period */
};

/* By these the usage is grouped. */
extern const enum usage_dimension focus_dimensions[USAGE_KEYS_MAX];

void focus_write_usage(
    struct row *row, const struct focus_bill *bill, const struct usage_group *group);
/* A correction (ChargeClass) where the month was over when it was made. */
void focus_write_adjustment(
    struct row *row, const struct focus_bill *bill, const struct adjustment *adjustment);
/* The names of the columns: for a row whose form is ROW_HEAD. */
void focus_write_head(struct row *row);

#endif
