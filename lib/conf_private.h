/*
 * One setting and how its text becomes a value: what conf.c and conf_value.c share.
 */
#ifndef LIB_CONF_PRIVATE_H
#define LIB_CONF_PRIVATE_H

#include "lib/conf.h"

enum setting_type {
	SETTING_TEXT, /* min to max bytes */
	SETTING_SECRET, /* min to max bytes, or empty */
	SETTING_SOCKET, /* unix:PATH, or empty where min is 0 */
	SETTING_SERVER, /* unix:PATH or redis://HOST:PORT */
	SETTING_LEVEL, /* a name log_parse_level() knows */
	SETTING_INT, /* min to max */
	SETTING_BOOL
};

struct setting {
	const char *key;
	enum setting_type type;
	size_t offset; /* of the value in struct conf */
	int64_t min, max;
	const char *preset; /* the default, read like any other value */
};

/* Where a value came from, for the reader of an error. */
struct source {
	const char *name; /* a file, or "environment" */
	int line; /* 0: none */
};

/* ERR_INVALID naming source and key. Always false. */
bool conf_refuse(struct task *task, struct source source, const char *key, const char *why);
/* Checks the value and writes it, or a copy in the task's arena, into conf. */
NODISCARD bool conf_assign(struct task *task, const struct setting *setting, struct source source,
    struct text value, struct conf *conf);

#endif
