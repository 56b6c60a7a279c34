#include "lib/model/pricing_import.h"

#include <stdlib.h>
#include <string.h>

#include "lib/model/audit.h"

static const char last_sql[] = "SELECT (after->>'models')::bigint, (after->>'gone')::bigint "
			       "FROM audit_log "
			       "WHERE client_id = '00000000-0000-0000-0000-000000000000' "
			       "AND action = 'import' "
			       "AND entity = 'model_pricing' "
			       "ORDER BY id DESC "
			       "LIMIT 1";

const char *const pricing_import_statements[] = { last_sql, NULL };

static int
compare(const void *a, const void *b)
{
	const struct price *left = a, *right = b;
	int order = strcmp(left->provider, right->provider);

	return order != 0 ? order : strcmp(left->model, right->model);
}

/* Of each model the last price, by provider and model. The list is sorted by the server's rules. */
static struct price *
last_prices(struct task *task, const struct prices *prices, size_t *ret_count)
{
	struct price *last = arena_array(task->arena, prices->count, sizeof(*last));
	size_t count = 0;

	for (size_t i = 0; i < prices->count; i++) {
		if (count == 0 || compare(&last[count - 1], &prices->at[i]) != 0)
			count++;
		last[count - 1] = prices->at[i];
	}
	qsort(last, count, sizeof(*last), compare);
	*ret_count = count;
	return last;
}

static bool
same_rates(const struct price *a, const struct price *b)
{
	return memcmp(&a->rates, &b->rates, sizeof(a->rates)) == 0 &&
	       a->batch_input == b->batch_input && a->batch_output == b->batch_output;
}
_Static_assert(sizeof(struct rates) == 10 * sizeof(int64_t), "memcmp needs rates without gaps");

static void
find_changes(struct task *task, const struct pricing_file *file, const struct price *last,
    size_t last_count, struct pricing_changes *ret)
{
	struct pricing_change *changes = arena_array(task->arena, file->count, sizeof(*changes));

	for (size_t i = 0; i < file->count; i++) {
		const struct price *before =
		    bsearch(&file->at[i], last, last_count, sizeof(*last), compare);

		if (before != NULL && before->valid_to > task->now &&
		    same_rates(before, &file->at[i]))
			continue;
		changes[ret->count++] = (struct pricing_change){ before, &file->at[i] };
	}
	ret->at = changes;
}

static int64_t
count_gone(const struct pricing_file *file, const struct price *last, size_t last_count)
{
	int64_t gone = 0;

	for (size_t i = 0; i < last_count; i++) {
		if (last[i].source == NULL || strcmp(last[i].source, PRICING_IMPORT_SOURCE) != 0)
			continue;
		gone +=
		    bsearch(&last[i], file->at, file->count, sizeof(*file->at), compare) == NULL;
	}
	return gone;
}

struct last_import {
	bool any;
	int64_t models, gone;
};

static bool
find_last(struct task *task, struct last_import *ret)
{
	struct db_rows *rows;

	if (!db_query(task, last_sql, NULL, &rows))
		return false;
	*ret = (struct last_import){ .any = db_count(rows) > 0 };
	if (ret->any) {
		ret->models = db_int(rows, 0, 0);
		ret->gone = db_int(rows, 0, 1);
	}
	return true;
}

bool
pricing_import_compare(
    struct task *task, const struct pricing_file *file, struct pricing_changes *ret)
{
	struct pricing_changes changes = { 0 };
	struct last_import import;
	struct prices prices;
	struct price *last;
	size_t count;
	int64_t lost;

	if (!find_last(task, &import) || !pricing_list_defaults(task, &prices))
		return false;
	last = last_prices(task, &prices, &count);
	find_changes(task, file, last, count, &changes);
	changes.gone = count_gone(file, last, count);
	changes.first = !import.any;
	/* Models that had left before the last import are not lost again by this one. */
	lost = changes.gone - import.gone;
	changes.shrunken =
	    import.any && lost * 100 > import.models * PRICING_IMPORT_MAX_LOST_PERCENT;
	*ret = changes;
	return true;
}

struct note {
	const struct pricing_file *file;
	const struct pricing_changes *changes;
	int64_t valid_from;
};

static void
write_note(struct json_out *out, const void *object)
{
	const struct note *note = object;

	json_open(out);
	json_int(out, "models", (int64_t)note->file->count);
	json_int(out, "gone", note->changes->gone);
	json_int(out, "changed", (int64_t)note->changes->count);
	json_time(out, "valid_from", note->valid_from);
	json_close(out);
}

static bool
note_import(struct task *task, const struct note *note)
{
	struct last_import last;

	if (!find_last(task, &last))
		return false;
	if (note->changes->count == 0 && last.any && last.gone == note->changes->gone &&
	    last.models == (int64_t)note->file->count)
		return true;
	return audit_add(task, "import", "model_pricing", (struct id){ 0 }, (struct text){ 0 },
	    audit_json(task, write_note, note));
}

bool
pricing_import_apply(struct task *task, const struct pricing_file *file,
    const struct pricing_changes *changes, int64_t valid_from)
{
	struct note note = { file, changes, valid_from };

	for (size_t i = 0; i < changes->count; i++) {
		const struct pricing_change *change = &changes->at[i];
		struct price price = *change->after;

		if (change->before != NULL && change->before->valid_from >= valid_from)
			return task_fail(task, ERR_INVALID,
			    "model %s has a price that begins at that time or later", price.model);
		price.id = id_new(task->now);
		price.valid_from = valid_from;
		price.valid_to = INT64_MAX;
		if (!pricing_add(task, &price))
			return false;
	}
	return note_import(task, &note);
}
