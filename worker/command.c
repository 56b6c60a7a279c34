#include "worker/command.h"

#include "lib/buf.h"
#include "lib/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* A sum over a large partition takes longer than any request may. */
#define STATEMENT_TIMEOUT_MS INT64_C(600000)
#define CONNECTIONS_MAX 4

/* What has been read of the command line so far. */
struct reader {
	struct command_context *context;
	int argc, at;
	char *const *argv;
	char **operands;
	const char *conf_path;
	bool help;
	bool only_operands; /* behind "--" */
};

static const struct command *
find(const char *first, const char *second, bool *ret_two_words)
{
	const struct command *found = NULL;
	size_t len = strlen(first);

	for (size_t i = 0; i < command_count; i++) {
		const char *name = commands[i].name;

		if (strcmp(name, first) == 0) {
			found = &commands[i];
			*ret_two_words = false;
		}
		if (second != NULL && strncmp(name, first, len) == 0 && name[len] == ' ' &&
		    strcmp(name + len + 1, second) == 0) {
			*ret_two_words = true;
			return &commands[i];
		}
	}
	return found;
}

static bool
read_command(struct reader *reader, const char *word)
{
	const char *next = reader->at < reader->argc ? reader->argv[reader->at] : NULL;
	bool two_words = false;

	reader->context->command = find(word, next, &two_words);
	if (reader->context->command == NULL)
		return task_fail(reader->context->task, ERR_INVALID,
		    "there is no command \"%s%s%s\": see tally help", word, next ? " " : "",
		    next ? next : "");
	if (two_words)
		reader->at++;
	return true;
}

static bool
read_value(struct reader *reader, const char *option, const char **ret)
{
	const char *equals = strchr(option, '=');

	if (equals != NULL) {
		*ret = equals + 1;
		return true;
	}
	if (reader->at == reader->argc)
		return task_fail(
		    reader->context->task, ERR_INVALID, "option %s needs a value", option);
	*ret = reader->argv[reader->at++];
	return true;
}

static bool
is_option(const char *word, const char *name)
{
	size_t len = strlen(name);

	return strncmp(word, name, len) == 0 && (word[len] == '\0' || word[len] == '=');
}

static bool
read_own_option(struct reader *reader, const char *word)
{
	struct command_context *context = reader->context;
	const struct command *command = context->command;

	for (size_t i = 0; command != NULL && i < command->option_count; i++) {
		const struct command_option *option = &command->options[i];

		if (!is_option(word + 2, option->name))
			continue;
		if (context->values[i] != NULL)
			return task_fail(
			    context->task, ERR_INVALID, "option %s is given twice", word);
		if (option->value != NULL)
			return read_value(reader, word, &context->values[i]);
		if (strchr(word, '=') != NULL)
			break;
		context->values[i] = "";
		return true;
	}
	if (command == NULL)
		return task_fail(context->task, ERR_INVALID,
		    "unknown option %s before the command: see tally help", word);
	return task_fail(context->task, ERR_INVALID, "unknown option %s: see tally help %s", word,
	    command->name);
}

static bool
read_option(struct reader *reader, const char *word)
{
	struct command_context *context = reader->context;

	if (strcmp(word, "--") == 0)
		return reader->only_operands = true;
	if (strcmp(word, "-c") == 0 || is_option(word, "--config"))
		return read_value(reader, word, &reader->conf_path);
	if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0)
		return reader->help = true;
	if (strcmp(word, "--json") == 0)
		return context->json = true;
	if (strcmp(word, "--dry-run") == 0)
		return context->dry_run = true;
	if (strncmp(word, "--", 2) == 0)
		return read_own_option(reader, word);
	return task_fail(context->task, ERR_INVALID, "unknown option %s", word);
}

static bool
check(const struct command_context *context)
{
	const struct command *command = context->command;

	if (context->dry_run && !command->dry_run)
		return task_fail(
		    context->task, ERR_INVALID, "%s does not know --dry-run", command->name);
	if (context->operand_count < command->operands_min)
		return task_fail(context->task, ERR_INVALID, "%s needs %s: see tally help %s",
		    command->name, command->operands, command->name);
	if (context->operand_count > command->operands_max)
		return task_fail(context->task, ERR_INVALID,
		    "%s does not take \"%s\": see tally help %s", command->name,
		    context->operands[command->operands_max], command->name);
	return true;
}

bool
command_read(struct command_context *context, int argc, char *const *argv,
    const char **ret_conf_path, bool *ret_help)
{
	struct reader reader = { .context = context, .argc = argc, .at = 1, .argv = argv };

	reader.operands = arena_array(context->task->arena, (size_t)argc + 1, sizeof(char *));
	context->operands = reader.operands;
	while (reader.at < argc) {
		char *word = argv[reader.at++];
		bool ok = true;

		if (!reader.only_operands && word[0] == '-' && word[1] != '\0')
			ok = read_option(&reader, word);
		else if (context->command == NULL)
			ok = read_command(&reader, word);
		else
			reader.operands[context->operand_count++] = word;
		if (!ok)
			return false;
	}
	*ret_conf_path = reader.conf_path;
	*ret_help = reader.help || context->command == NULL;
	return *ret_help || check(context);
}

const char *
command_value(const struct command_context *context, const char *name)
{
	const struct command *command = context->command;

	for (size_t i = 0; i < command->option_count; i++)
		if (strcmp(command->options[i].name, name) == 0)
			return context->values[i];
	abort(); /* a command asks for an option that its row does not have */
}

bool
command_flag(const struct command_context *context, const char *name)
{
	return command_value(context, name) != NULL;
}

bool
command_int(
    const struct command_context *context, const char *name, int64_t min, int64_t max, int64_t *ret)
{
	const char *text = command_value(context, name);
	char *end = NULL;
	long long value;

	if (text == NULL)
		return true;
	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value < min || value > max)
		return task_fail(context->task, ERR_INVALID,
		    "--%s must be a whole number from %lld to %lld", name, (long long)min,
		    (long long)max);
	*ret = value;
	return true;
}

bool
command_date(const struct command_context *context, const char *name, int32_t *ret)
{
	const char *text = command_value(context, name);

	if (text == NULL || date_parse((struct text){ text, strlen(text) }, ret))
		return true;
	return task_fail(context->task, ERR_INVALID, "--%s must be a date, YYYY-MM-DD", name);
}

void
command_warn(const struct command_context *context, const char *format, ...)
{
	struct buf buf = { .arena = context->task->arena };
	va_list args;

	buf_puts(&buf, getenv("JOURNAL_STREAM") != NULL ? "<3>tally" : "tally");
	if (context->command != NULL)
		buf_printf(&buf, " %s", context->command->name);
	fprintf(stderr, "%s: ", buf.at);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

int
command_failed(const struct command_context *context)
{
	static const int statuses[ERR_COUNT] = {
		[ERR_SYNTAX] = EX_DATAERR,
		[ERR_UNAUTHENTICATED] = EX_NOPERM,
		[ERR_FORBIDDEN] = EX_NOPERM,
		[ERR_NOT_FOUND] = EX_DATAERR,
		[ERR_CONFLICT] = EX_DATAERR,
		[ERR_INVALID] = EX_USAGE,
		[ERR_TOO_LARGE] = EX_DATAERR,
		[ERR_UNAVAILABLE] = EX_TEMPFAIL,
		[ERR_INTERNAL] = EX_SOFTWARE,
	};
	const struct err *err = &context->task->err;
	int status = err->code < ERR_COUNT ? statuses[err->code] : 0;

	command_warn(context, "%s", err->text);
	if (err->cause != NULL)
		fprintf(stderr, "  %s\n", err->cause);
	for (size_t i = 0; i < err->field_count; i++)
		fprintf(stderr, "  %s: %s\n", err->fields[i].field, err->fields[i].message);
	return status != 0 ? status : EX_SOFTWARE;
}

struct db_pool_settings
command_pool_settings(const struct conf *conf, enum command_role role)
{
	const char *url = conf->database_url;

	if (role == COMMAND_WORKER && conf->database_worker_url[0] != '\0')
		url = conf->database_worker_url;
	if (role == COMMAND_OWNER && conf->database_owner_url[0] != '\0')
		url = conf->database_owner_url;
	return (struct db_pool_settings){
		.url = url,
		.application = "tally",
		.max = CONNECTIONS_MAX,
		.idle_timeout_ms = conf->database_idle_timeout_ms,
		.connect_timeout_ms = conf->database_connect_timeout_ms,
		.acquire_timeout_ms = conf->database_acquire_timeout_ms,
		.statement_timeout_ms = role == COMMAND_APP ? conf->database_statement_timeout_ms
							    : STATEMENT_TIMEOUT_MS,
	};
}
