/*
 * Recovery codes: each stands once for a one-time password. Only their hashes are kept.
 */
#ifndef LIB_MODEL_RECOVERY_CODE_H
#define LIB_MODEL_RECOVERY_CODE_H

#include "lib/task.h"

#define RECOVERY_CODES 10
#define RECOVERY_CODE_DIGITS 16 /* of 32: 80 bits, so that a plain hash is enough */
#define RECOVERY_CODE_TYPED_MAX 32 /* characters, however it is grouped */
#define RECOVERY_CODE_SIZE (RECOVERY_CODE_DIGITS + RECOVERY_CODE_DIGITS / 4)

/* New codes of a user, as they are shown, "abcd-efgh-jkmn-pqrs", and their hashes. */
void recovery_codes_new(struct task *task, struct id user, const char *codes[RECOVERY_CODES],
    const char *hashes[RECOVERY_CODES]);
/* The hash of a code as somebody types it: letters of either case, hyphens and blanks anywhere. */
const char *recovery_code_hash(struct task *task, struct id user, const char *code);

#endif
