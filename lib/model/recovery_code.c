#include "lib/model/recovery_code.h"

#include <ctype.h>

#include "lib/seal.h"

/* Without the letters and digits that look like others. */
static const char alphabet[] = "abcdefghijkmnpqrstuvwxyz23456789";
_Static_assert(sizeof alphabet - 1 == 32, "five bits a digit");

static const char *
make(struct task *task)
{
	uint8_t bytes[RECOVERY_CODE_DIGITS];
	char *code = arena_alloc(task->arena, RECOVERY_CODE_SIZE), *at = code;

	seal_random(bytes, sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++) {
		if (i > 0 && i % 4 == 0)
			*at++ = '-';
		*at++ = alphabet[bytes[i] % 32];
	}
	return code;
}

const char *
recovery_code_hash(struct task *task, struct id user, const char *code)
{
	struct buf buf = { .arena = task->arena }, hex = { .arena = task->arena };
	uint8_t hash[SEAL_HASH_SIZE];

	buf_add(&buf, user.bytes, sizeof user.bytes);
	for (; *code != '\0'; code++)
		if (*code != '-' && *code != ' ')
			buf_putc(&buf, (char)tolower((unsigned char)*code));
	seal_hash(buf_text(&buf), hash);
	for (size_t i = 0; i < sizeof hash; i++)
		buf_printf(&hex, "%02x", hash[i]);
	return hex.at;
}

void
recovery_codes_new(struct task *task, struct id user, const char *codes[RECOVERY_CODES],
    const char *hashes[RECOVERY_CODES])
{
	for (size_t i = 0; i < RECOVERY_CODES; i++) {
		codes[i] = make(task);
		hashes[i] = recovery_code_hash(task, user, codes[i]);
	}
}
