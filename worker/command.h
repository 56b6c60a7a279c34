/*
 * What a command or job of tally is given, and how it ends. The table of them all is in main.c.
 *
 * main.c has read the options and the configuration before a command runs: a command sees only
 * options of its own row, and as many operands as its row allows. It returns an exit status of
 * sysexits(3): EX_OK, 1 for "done, and what it found is not well", or what command_failed() gives.
 */
#ifndef WORKER_COMMAND_H
#define WORKER_COMMAND_H

#include "lib/conf.h"
#include "lib/db.h"
#include "lib/redis.h"

#define COMMAND_OPTIONS_MAX 16
#define COMMAND_FOUND 1 /* exit status: it worked, and what it found is not well */

struct command;

struct command_context {
	const struct command *command;
	struct conf conf;
	struct task *task; /* its pool is the one below; its redis connects at first use */
	struct db_pool *pool; /* of the command's role; NULL for COMMAND_OFFLINE */
	bool json; /* --json: structured lines on standard output */
	bool dry_run; /* --dry-run: change nothing, say what would be changed */
	int operand_count;
	char *const *operands; /* what stands behind the command's name and is no option */
	const char *values[COMMAND_OPTIONS_MAX]; /* in the order of command->options; NULL: not
						    given */
};

/* Which URL of the configuration the command's connections use. */
enum command_role { COMMAND_OFFLINE, COMMAND_APP, COMMAND_WORKER, COMMAND_OWNER };

struct command_option {
	const char *name; /* "timezone": --timezone VALUE or --timezone=VALUE */
	const char *value; /* what help calls the value; NULL: a flag */
	const char *about;
};

typedef int command_run(struct command_context *context);

struct command {
	const char *name; /* one or two words: "flush", "client create" */
	command_run *run;
	enum command_role role;
	const char *operands; /* for help: "FILE"; NULL: none */
	int operands_min, operands_max;
	const struct command_option *options;
	size_t option_count;
	bool dry_run; /* knows --dry-run */
	bool job; /* run by a timer */
	const char *about; /* one line */
};

extern const struct command commands[];
extern const size_t command_count;

/*
 * Reads the command line into context: command, operands, values, flags. *ret_conf_path NULL: the
 * default file. A command named by "help" or --help has its help printed instead of being run:
 * *ret_help. ERR_INVALID: the line is not understood.
 */
NODISCARD bool command_read(struct command_context *context, int argc, char *const *argv,
    const char **ret_conf_path, bool *ret_help);
/* command NULL: the list of all commands. */
void command_help(const struct command *command);

/* The value of an option of the command's row; NULL when it was not given. A flag's value is "". */
const char *command_value(const struct command_context *context, const char *name);
bool command_flag(const struct command_context *context, const char *name);
/* ERR_INVALID naming the option; ret stays where it was not given. */
NODISCARD bool command_int(const struct command_context *context, const char *name, int64_t min,
    int64_t max, int64_t *ret);
NODISCARD bool command_date(const struct command_context *context, const char *name, int32_t *ret);

/* Prints task->err on standard error; the exit status that fits. */
int command_failed(const struct command_context *context);

/* A line on standard error, with the name of the command. */
void command_warn(const struct command_context *context, const char *format, ...) PRINTF(2, 3);

/* The settings for a pool of the role, as main.c makes it. */
struct db_pool_settings command_pool_settings(const struct conf *conf, enum command_role role);

#endif
