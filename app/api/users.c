#include "app/api/users.h"

#include "app/ingest/ingest.h"
#include "app/ingest/known.h"

/* Other processes are told; here it holds for the next record. */
void
users_changed(struct request *req)
{
	known_forget(ingest_known(req->app->ingest));
}
