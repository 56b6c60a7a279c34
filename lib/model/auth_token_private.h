/*
 * Between the files of tokens.
 */
#ifndef LIB_MODEL_AUTH_TOKEN_PRIVATE_H
#define LIB_MODEL_AUTH_TOKEN_PRIVATE_H

#include "lib/model/auth_token.h"
#include "lib/model/auth_token_text.h"

/* As struct resource has it. A new one gets its text, its public id and its hash here. */
bool auth_token_check(struct task *task, const void *before, void *after);

/* Whether the user may have a token of the type: a key while it lives, the others while its account
 * is active. That stays so until the transaction ends. Before the line. */
NODISCARD bool auth_token_lock_user(
    struct task *task, struct id user, enum auth_token_type type, bool *ret_may);
/* Whether the key that asks for a token, if any does, was not revoked. That stays so until the
 * transaction ends. Behind the user, before the line. */
NODISCARD bool auth_token_lock_maker(struct task *task, struct id maker, bool *ret_may);
/* Nobody else adds to a line or ends it before the transaction ends. Before any other of the line.
 */
NODISCARD bool auth_token_lock_line(struct task *task, struct id line);

extern const char *const auth_token_check_statements[]; /* SQL, for the tests; NULL behind the last
							 */

#endif
