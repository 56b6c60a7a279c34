/*
 * Hashing of passwords: how dear it is, and how many threads do it at once, for each takes
 * password_memory_kib. One thread at least is left for everything else; who would be one more gets
 * ERR_UNAVAILABLE.
 */
#ifndef APP_HASHING_H
#define APP_HASHING_H

#include "lib/conf.h"

/* What a hash that the application gave may cost to check, unless the settings are dearer; one that
 * costs more is nobody's password. */
#define HASHING_GIVEN_MAX_KIB 65536
#define HASHING_GIVEN_MAX_OPS 10

struct hashing;

/* Lives as long as the arena. Thread-safe. */
struct hashing *hashing_new(struct arena *arena, const struct conf *conf);

/* What the calls below do around their work. */
NODISCARD bool hashing_enter(struct task *task, struct hashing *hashing);
void hashing_leave(struct hashing *hashing);

NODISCARD bool hashing_make(
    struct task *task, struct hashing *hashing, const char *password, const char **ret);
/*
 * hash NULL, or one that is not argon2's: nobody's, which takes as long as a wrong one.
 * *ret_better: a hash of the right password that costs what is set now, or NULL where it is that
 * already.
 */
NODISCARD bool hashing_check(struct task *task, struct hashing *hashing, const char *password,
    const char *hash, bool *ret_right, const char **ret_better);

#endif
