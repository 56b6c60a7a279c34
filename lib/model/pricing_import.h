/*
 * Price files in the format of LiteLLM's model_prices_and_context_window.json: an object of models,
 * each with its rates in dollars per token. Their prices become defaults for all clients.
 *
 * A model that is not in the file any more keeps its price: calls of it would cost nothing
 * otherwise.
 */
#ifndef LIB_MODEL_PRICING_IMPORT_H
#define LIB_MODEL_PRICING_IMPORT_H

#include "lib/model/pricing.h"

#define PRICING_IMPORT_MAX_BYTES ((size_t)32 << 20)
/* A file that has lost more of the models that the last one had is taken for damaged. */
#define PRICING_IMPORT_MAX_LOST_PERCENT 10
#define PRICING_IMPORT_SOURCE "litellm"

struct pricing_file {
	const struct price *at; /* by provider and model, each once */
	size_t count;
	int64_t unpriced; /* skipped: without a rate for input or output tokens */
	int64_t other_modes; /* skipped: not priced by the token (images, speech, ...) */
	int64_t repeated; /* skipped: a model of the provider that came before */
	int64_t rounded; /* rates finer than a pico-dollar */
};

/* ERR_SYNTAX: not such a file, or a rate that is no number in range; it names the model. */
NODISCARD bool pricing_import_read(struct task *task, struct text body, struct pricing_file *ret);

struct pricing_change {
	const struct price *before; /* NULL: a new model */
	const struct price *after;
};

struct pricing_changes {
	const struct pricing_change *at;
	size_t count;
	int64_t gone; /* imported once, and not in the file */
	bool first; /* nothing was ever imported */
	bool shrunken; /* PRICING_IMPORT_MAX_LOST_PERCENT */
};

/* What an import of the file would change now. */
NODISCARD bool pricing_import_compare(
    struct task *task, const struct pricing_file *file, struct pricing_changes *ret);

/*
 * Adds the changed prices, in force from valid_from on, and notes the import in the audit log.
 * ERR_INVALID naming a model that has a later price already.
 */
NODISCARD bool pricing_import_apply(struct task *task, const struct pricing_file *file,
    const struct pricing_changes *changes, int64_t valid_from);

extern const char *const pricing_import_statements[]; /* its SQL, for the tests; NULL behind it */

#endif
