#include "lib/sealed.h"

#include <string.h>

static void
derive(struct task *task, const char *key, const struct sealed_place *place,
    uint8_t ret[SEAL_KEY_SIZE])
{
	char client[ID_TEXT_SIZE], row[ID_TEXT_SIZE];
	struct buf purpose = { .arena = task->arena };

	buf_printf(&purpose, "%s:%s", place->name, id_format(place->client, client));
	if (!id_is_nil(place->row))
		buf_printf(&purpose, ":%s", id_format(place->row, row));
	seal_derive((struct text){ key, strlen(key) }, buf_text(&purpose), ret);
}

bool
sealed_close(
    struct task *task, const struct sealed_place *place, struct text plain, struct text *ret)
{
	const char *key = task->seal_keys == NULL ? "" : task->seal_keys->current;
	struct buf sealed = { .arena = task->arena };
	uint8_t derived[SEAL_KEY_SIZE];

	if (key[0] == '\0')
		return task_fail_later(
		    task, -1, "The setting seal_key is missing: no secret can be kept without it.");
	derive(task, key, place, derived);
	seal_close(derived, plain, &sealed);
	*ret = buf_text(&sealed);
	return true;
}

static bool
opens(struct task *task, const char *key, const struct sealed_place *place, struct text sealed,
    struct text *ret)
{
	struct buf plain = { .arena = task->arena };
	uint8_t derived[SEAL_KEY_SIZE];

	if (key[0] == '\0')
		return false;
	derive(task, key, place, derived);
	if (!seal_open(derived, sealed, &plain))
		return false;
	*ret = buf_text(&plain);
	return true;
}

enum sealed_by
sealed_try(
    struct task *task, const struct sealed_place *place, struct text sealed, struct text *ret)
{
	const struct seal_keys *keys = task->seal_keys;

	if (keys != NULL && opens(task, keys->current, place, sealed, ret))
		return SEALED_BY_CURRENT;
	if (keys != NULL && opens(task, keys->previous, place, sealed, ret))
		return SEALED_BY_PREVIOUS;
	return SEALED_BY_NEITHER;
}

bool
sealed_open(
    struct task *task, const struct sealed_place *place, struct text sealed, struct text *ret)
{
	const struct seal_keys *keys = task->seal_keys;

	if (keys == NULL || (keys->current[0] == '\0' && keys->previous[0] == '\0'))
		return task_fail_later(
		    task, -1, "The setting seal_key is missing: what is sealed cannot be opened.");
	return sealed_try(task, place, sealed, ret) != SEALED_BY_NEITHER ||
	       task_fail_later(task, -1, "It was sealed with another seal_key than this one.");
}
