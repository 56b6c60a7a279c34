/*
 * Clients as the operator names them on the command line.
 */
#ifndef WORKER_CLIENT_NAME_H
#define WORKER_CLIENT_NAME_H

#include "lib/task.h"

#define CLIENT_OPERATOR "operator" /* the nil client: the operators' own keys */

/*
 * A client by its id or its name; CLIENT_OPERATOR is nil. ERR_NOT_FOUND; ERR_CONFLICT where several
 * have the name.
 */
NODISCARD bool client_name_find(struct task *task, const char *name_or_id, struct id *ret);

#endif
