#include "app/api/budgets.h"

#include "app/auth.h"
#include "app/ingest/ingest.h"
#include "lib/model/counter.h"

/* The notification comes by itself; whoever made the change must see it in the next answer. */
void
budgets_changed(struct request *req)
{
	counter_book_forget(ingest_book(req->app->ingest), req->identity->client);
}
