/*
 * Accounts of credits as a test uses them: one at a time, by tests/api.h.
 */
#ifndef TESTS_PAYING_H
#define TESTS_PAYING_H

/* Makes a client with a user; the calls from here on are about that user's account. */
void paying_use_account(const char *client);
/* The same of a client whose calls are paid for: by user, client, or off. */
void paying_use_client(const char *name, const char *credits);
/* One whose users pay, with a user who has one credit. */
void paying_use_payer(const char *name);
/* They are about the account of this user of the client, or its own by the word client. */
void paying_use_user(const char *user);
const char *paying_user(void);

/* Of the account. */
const char *paying_path(const char *rest);
/* Posts what must be taken; the transaction's id. */
const char *paying_post(const char *body);
void paying_refuse(long status, const char *body);
void paying_expect(const char *member, const char *value);

void paying_expect_balance(const char *balance, const char *held);
/* "purchase 1, usage -0.5": all of it, the first one first. */
void paying_expect_ledger(const char *ledger);

/* A record of the account's user as JSON; more: further members, each behind a comma. */
const char *paying_record(const char *cents, const char *more);

/* Fails the test unless each account of the client has the sum of what was posted, a ledger without
 * a gap, and what is held and granted. */
void paying_check_books(const char *client);

#endif
