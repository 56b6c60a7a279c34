/*
 * The command line of tallyd.
 */
#ifndef APP_OPTIONS_H
#define APP_OPTIONS_H

#include "lib/base.h"

#define OPTIONS_THREADS_MAX 256

struct options {
	const char *conf_file; /* NULL: the default one */
	const char *listen; /* NULL: the setting */
	int64_t threads; /* 0: the setting */
};

/* --help, --version and mistakes end the program. */
struct options options_read(int argc, char **argv);

#endif
