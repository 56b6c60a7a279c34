/* What is posted: from a posting through the ledger to transactions, each a link of its chain. */
#include "lib/model/credit_book_private.h"

#include <assert.h>
#include <string.h>

#include "lib/zone.h"

static struct credit_transaction *
new_transaction(struct task *task, struct credit_book *book)
{
	struct book_transaction *grown;

	if (book->transaction_count == book->transaction_capacity) {
		book->transaction_capacity = book->transaction_capacity * 2 + 64;
		grown = arena_array(task->arena, book->transaction_capacity, sizeof *grown);
		if (book->transaction_count > 0)
			memcpy(grown, book->transactions, book->transaction_count * sizeof *grown);
		book->transactions = grown;
	}
	return &book->transactions[book->transaction_count++].transaction;
}

/* transaction holds what the ledger does not know. */
static void
add_transaction(struct task *task, struct credit_book *book, struct book_account *account,
    const struct ledger_entry *entry, struct credit_transaction *transaction)
{
	struct credit_account *last = &account->account;

	transaction->account = last->id;
	transaction->sequence = ++last->last_sequence;
	transaction->type = entry->type;
	transaction->amount_nanos = entry->amount;
	transaction->balance_after = entry->balance_after;
	transaction->created_at = account->posted_at;
	transaction->grant = entry->grant;
	credit_transaction_hash(transaction, last->last_hash, transaction->hash);
	memcpy(last->last_hash, transaction->hash, sizeof transaction->hash);
	last->last_posted_at = account->posted_at;
	account->changed = true;
	*new_transaction(task, book) = *transaction;
	book->transactions[book->transaction_count - 1].client = last->client;
}

static void
expire_grants(struct task *task, struct credit_book *book, struct book_account *account)
{
	struct ledger_entry entry;

	while (ledger_expire(&account->account.ledger, task->now, &entry)) {
		struct credit_transaction transaction = { .id = id_new(account->posted_at) };

		add_transaction(task, book, account, &entry, &transaction);
	}
}

static void
add_release(struct task *task, struct credit_book *book, struct book_hold *hold,
    const struct ledger_entry *entry, struct credit_transaction *transaction)
{
	assert(hold != NULL); /* only a posting that has one gives back */
	transaction->source = hold->source;
	transaction->hold = hold->ledger.id;
	add_transaction(task, book, hold->account, entry, transaction);
	hold->open = false;
}

static void
release_overdue(struct task *task, struct credit_book *book, struct book_hold *hold)
{
	const struct ledger_posting posting = { .type = CREDIT_RELEASE,
		.id = id_new(hold->account->posted_at),
		.hold = &hold->ledger,
		.now = task->now };
	struct credit_transaction transaction = { .id = posting.id };
	struct ledger_entry entries[LEDGER_ENTRIES_MAX];
	size_t count;

	/* A release is never refused. */
	if (ledger_post(&hold->account->account.ledger, &posting, entries, &count) == CREDIT_POSTED)
		add_release(task, book, hold, &entries[0], &transaction);
}

bool
credit_book_begin(struct task *task, struct credit_book *book, struct book_account *account)
{
	struct credit_account *own = &account->account;
	const struct zone *zone;

	if (!zone_find(task, own->zone_name, &zone))
		return false;
	account->posted_at = task->now > own->last_posted_at ? task->now : own->last_posted_at;
	ledger_begin_day(&own->ledger, zone_date(zone, account->posted_at));
	for (struct book_hold *hold = account->overdue; hold != NULL; hold = hold->next_overdue)
		release_overdue(task, book, hold);
	expire_grants(task, book, account);
	return true;
}

/* The hold that a usage or release closes; *ret NULL: none. */
static enum credit_verdict
find_hold(const struct task *task, const struct credit_book *book,
    const struct credit_posting *posting, const struct book_account *account,
    struct book_hold **ret)
{
	const struct book_name *name =
	    credit_name_find(&book->holds_by_id, posting->client, posting->hold, CREDIT_PURCHASE);
	struct book_hold *hold = name == NULL ? NULL : name->hold;
	bool spent = posting->type == CREDIT_USAGE && posting->clip;

	*ret = NULL;
	if (posting->type == CREDIT_USAGE && id_is_nil(posting->hold))
		return CREDIT_POSTED;
	if (hold == NULL || !hold->open || hold->account != account ||
	    (posting->type == CREDIT_USAGE && !spent && hold->expires_at != 0 &&
		hold->expires_at <= task->now))
		return spent ? CREDIT_POSTED : CREDIT_NO_HOLD;
	*ret = hold;
	return CREDIT_POSTED;
}

static struct book_hold *
new_hold(struct task *task, const struct credit_posting *posting, struct book_account *account)
{
	struct book_hold *hold = arena_alloc(task->arena, sizeof *hold);

	hold->client = posting->client;
	hold->account = account;
	hold->source = posting->source;
	hold->expires_at = posting->expires_at;
	hold->ledger.id = id_is_nil(posting->source) ? posting->id : posting->source;
	if (account->burned == NULL)
		account->burned =
		    arena_array(task->arena, account->grant_room, sizeof *account->burned);
	hold->ledger.burned = account->burned;
	hold->open = true;
	return hold;
}

/* The room is the next hold's: of many holds and many grants each would take too much. */
static void
keep_hold(struct task *task, struct credit_book *book, struct book_hold *hold)
{
	struct ledger_hold *ledger = &hold->ledger;
	struct ledger_burn *burned = arena_array(task->arena, ledger->burned_count, sizeof *burned);

	if (ledger->burned_count > 0)
		memcpy(burned, ledger->burned, ledger->burned_count * sizeof *burned);
	ledger->burned = burned;
	book->holds[book->hold_count++] = hold;
}

static enum credit_verdict
find_refundable(const struct credit_book *book, const struct credit_posting *posting,
    const struct book_account *account, struct book_name **ret)
{
	*ret = NULL;
	if (posting->type != CREDIT_REFUND || id_is_nil(posting->refunded))
		return CREDIT_POSTED;
	*ret = credit_name_find(&book->usages, posting->client, posting->refunded, CREDIT_PURCHASE);
	return *ret == NULL || (*ret)->account != account ? CREDIT_NO_TRANSACTION : CREDIT_POSTED;
}

static struct credit_transaction
transaction_of(const struct credit_posting *posting, const struct book_hold *hold)
{
	return (struct credit_transaction){ .id = posting->id,
		.source = posting->source,
		.hold = hold == NULL ? posting->hold : hold->ledger.id,
		.refunded = posting->refunded,
		.description = posting->description,
		.metadata = posting->metadata,
		.address = posting->address,
		.api_key = posting->api_key };
}

static void
add_entries(struct task *task, struct credit_book *book, struct credit_posting *posting,
    struct book_account *account, struct book_hold *hold, const struct ledger_posting *to,
    const struct ledger_entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct credit_transaction transaction = transaction_of(posting, hold);

		if (entries[i].type != CREDIT_RELEASE) {
			add_transaction(task, book, account, &entries[i], &transaction);
		} else if (posting->type == CREDIT_RELEASE) {
			add_release(task, book, hold, &entries[i], &transaction);
		} else {
			transaction = (struct credit_transaction){ .id = to->release_id };
			add_release(task, book, hold, &entries[i], &transaction);
		}
		if (transaction.type == posting->type)
			posting->transaction = transaction;
	}
}

static struct ledger_posting
posting_to_ledger(const struct task *task, const struct credit_posting *posting,
    const struct book_account *account, struct book_hold *hold, const struct book_name *usage)
{
	return (struct ledger_posting){ .type = posting->type,
		.amount = posting->type == CREDIT_RELEASE ? 0 : posting->amount_nanos,
		.id = posting->id,
		.release_id = id_new(account->posted_at),
		.priority = posting->priority,
		.expires_at = posting->expires_at,
		.clip = posting->clip,
		.hold = hold == NULL ? NULL : &hold->ledger,
		.refundable = usage == NULL ? LEDGER_NO_LIMIT : usage->left,
		.now = task->now };
}

static enum credit_verdict
post(struct task *task, struct credit_book *book, struct credit_posting *posting,
    struct book_account *account)
{
	struct ledger_entry entries[LEDGER_ENTRIES_MAX];
	const enum credit_type type = posting->type;
	enum credit_verdict verdict = CREDIT_POSTED;
	struct book_hold *hold = NULL;
	struct ledger_posting to;
	struct book_name *usage;
	size_t count;

	if (type == CREDIT_USAGE || type == CREDIT_RELEASE)
		verdict = find_hold(task, book, posting, account, &hold);
	else if (type == CREDIT_HOLD)
		hold = new_hold(task, posting, account);
	if (verdict == CREDIT_POSTED)
		verdict = find_refundable(book, posting, account, &usage);
	if (verdict != CREDIT_POSTED)
		return verdict;
	to = posting_to_ledger(task, posting, account, hold, usage);
	verdict = ledger_post(&account->account.ledger, &to, entries, &count);
	if (verdict != CREDIT_POSTED)
		return verdict;
	add_entries(task, book, posting, account, hold, &to, entries, count);
	account->changed = true;
	if (usage != NULL)
		usage->left -= posting->amount_nanos;
	if (type == CREDIT_HOLD)
		keep_hold(task, book, hold);
	else if (hold != NULL)
		expire_grants(task, book, account);
	return CREDIT_POSTED;
}

/* What an account that is not there says. */
static enum credit_verdict
refuse(enum credit_type type)
{
	if (type == CREDIT_EXPIRY)
		return CREDIT_POSTED;
	return type == CREDIT_RELEASE ? CREDIT_NO_HOLD : CREDIT_SHORT;
}

void
credit_book_post(struct task *task, struct credit_book *book, size_t i)
{
	struct credit_posting *posting = &book->postings[i];
	struct book_account *account = book->posting_accounts[i];
	struct book_name *source =
	    credit_name_find(&book->sources, posting->client, posting->source, posting->type);

	assert(posting->type == CREDIT_USAGE || posting->type == CREDIT_RELEASE ||
	       posting->type == CREDIT_EXPIRY || posting->amount_nanos != 0);
	posting->transaction = (struct credit_transaction){ 0 };
	posting->account = (struct credit_account){ 0 };
	if (source != NULL && source->known)
		posting->verdict = CREDIT_KNOWN;
	else if (account == NULL)
		posting->verdict = refuse(posting->type);
	else
		posting->verdict = post(task, book, posting, account);
	if (source != NULL && posting->verdict == CREDIT_POSTED)
		source->known = true;
	if (account == NULL)
		return;
	posting->account = account->account;
	posting->account.ledger.grants = NULL;
	posting->account.ledger.grant_count = 0;
}
