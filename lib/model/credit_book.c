#include "lib/model/credit_book_private.h"

#include <stdlib.h>

static int
compare_names(const void *a, const void *b)
{
	const struct book_name *x = a, *y = b;
	int order = id_compare(x->client, y->client);

	if (order == 0)
		order = id_compare(x->id, y->id);
	if (order == 0)
		order = (x->type > y->type) - (x->type < y->type);
	return order;
}

struct book_name *
credit_name_find(
    const struct book_names *names, struct id client, struct id id, enum credit_type type)
{
	const struct book_name name = { .client = client, .id = id, .type = type };

	if (names->count == 0)
		return NULL;
	return bsearch(&name, names->at, names->count, sizeof name, compare_names);
}

static int
compare_accounts(const void *a, const void *b)
{
	const struct book_account *x = a, *y = b;
	int order = id_compare(x->account.client, y->account.client);

	return order != 0 ? order : id_compare(x->account.id, y->account.id);
}

struct book_account *
credit_book_account(const struct credit_book *book, struct id client, struct id id)
{
	const struct book_account account = { .account = { .client = client, .id = id } };

	if (book->account_count == 0)
		return NULL;
	return bsearch(
	    &account, book->accounts, book->account_count, sizeof account, compare_accounts);
}

static void
add_name(struct book_names *names, struct id client, struct id id, enum credit_type type)
{
	names->at[names->count++] = (struct book_name){ .client = client, .id = id, .type = type };
}

static void
sort_names(struct book_names *names)
{
	size_t kept = 0;

	if (names->count > 0)
		qsort(names->at, names->count, sizeof *names->at, compare_names);
	for (size_t i = 0; i < names->count; i++)
		if (i == 0 || compare_names(&names->at[i], &names->at[i - 1]) != 0)
			names->at[kept++] = names->at[i];
	names->count = kept;
}

/* What the postings name. The type is of no matter but for sources. */
static void
collect_names(struct task *task, struct credit_book *book)
{
	struct book_names *const lists[] = { &book->users, &book->named_accounts,
		&book->holds_by_id, &book->usages, &book->sources };

	for (size_t i = 0; i < COUNT(lists); i++)
		lists[i]->at = arena_array(task->arena, book->posting_count, sizeof *lists[i]->at);
	for (size_t i = 0; i < book->posting_count; i++) {
		const struct credit_posting *posting = &book->postings[i];
		struct id client = posting->client;

		if (id_is_nil(posting->account_id))
			add_name(&book->users, client, posting->user, CREDIT_PURCHASE);
		else
			add_name(
			    &book->named_accounts, client, posting->account_id, CREDIT_PURCHASE);
		if (!id_is_nil(posting->hold))
			add_name(&book->holds_by_id, client, posting->hold, CREDIT_PURCHASE);
		if (!id_is_nil(posting->refunded))
			add_name(&book->usages, client, posting->refunded, CREDIT_PURCHASE);
		if (!id_is_nil(posting->source))
			add_name(&book->sources, client, posting->source, posting->type);
	}
	for (size_t i = 0; i < COUNT(lists); i++)
		sort_names(lists[i]);
}

bool
credit_decide(
    struct task *task, struct credit_posting *postings, size_t count, struct credit_book **ret)
{
	struct credit_book *book = arena_alloc(task->arena, sizeof *book);

	book->postings = postings;
	book->posting_count = count;
	collect_names(task, book);
	if (!credit_book_lock(task, book) || !credit_book_read(task, book))
		return false;
	for (size_t i = 0; i < book->account_count; i++)
		if (!credit_book_begin(task, book, &book->accounts[i]))
			return false;
	for (size_t i = 0; i < count; i++)
		credit_book_post(task, book, i);
	*ret = book;
	return true;
}

size_t
credit_book_count(const struct credit_book *book)
{
	return book->transaction_count;
}
