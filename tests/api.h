/*
 * The API as a test calls it: all servers once a program, the key of one client at a time, the last
 * answer. Texts live until the program ends or, where an answer gave them, until the next call.
 */
#ifndef TESTS_API_H
#define TESTS_API_H

#include "tests/http.h"
#include "tests/servers.h"

/* For cmocka_run_group_tests(). */
int api_start(void **state);
int api_stop(void **state);
struct servers *api_servers(void);

/* Imports the price list that the project carries. */
void api_import_prices(void);

/* Makes a client; the calls from here on are its. */
void api_use_new_client(const char *name);
/* Makes a client with one budget of its name, in its zone; members: the others, as JSON. */
void api_use_budget(const char *name, const char *members);
/* A key of the last client made that has but one scope. The calls from here on use it. */
void api_use_scope(const char *scope);

/* The key that the calls use, NULL: none; it lives until the program ends. */
const char *api_key(void);
/* The calls from here on use this key; NULL: none. */
void api_use_key(const char *key);
/* An operator's key, kept until the program ends; the calls from here on use it. */
const char *api_use_operator(void);

/* The status of the answer. headers: "Name: value", NULL behind the last, or NULL. */
long api_send(const char *method, const char *path, const char *const *headers, const char *body);
/* The same for any thread: the answer is the caller's, to be freed by http_free(). */
struct http_answer api_call(
    const char *method, const char *path, const char *const *headers, const char *body);
/* Fails the test unless the answer has this status. */
void api_expect(long status, const char *method, const char *path, const char *body);

/* POSTs what must become a row (201); its id, kept until the program ends. */
const char *api_add(const char *path, const char *body);

const struct http_answer *api_answer(void);
/* A member of the last answer as text, "(none)" where there is none. */
const char *api_json(const char *path);
/* The same, kept until the program ends. */
const char *api_keep(const char *path);
/* Fails the test unless the member is this. */
void api_expect_json(const char *path, const char *value);
/* How many rows a list has, or lines an export. */
int api_rows(void);
int api_lines(void);
/* Fails the test unless the last answer is a 422 or 409 that names this field first. */
void api_expect_field(const char *sentence, const char *field);

/* A text from a format, kept until the program ends. */
const char *api_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* One value from SQL as the superuser, kept until the program ends. */
const char *api_sql(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
