#include "worker/commands.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const struct command_option common[] = {
	{ "config", "FILE",
	    "the configuration, also -c FILE (default: " SYSCONFDIR "/tally/tally.conf)" },
	{ "json", NULL, "structured lines: one JSON object each" },
	{ "help", NULL, "this text, also -h" },
};
static const struct command_option dry_run = { "dry-run", NULL,
	"change nothing, say what would be changed" };

static void
print_option(const struct command_option *option)
{
	char left[64];

	snprintf(left, sizeof(left), "--%s%s%s", option->name, option->value != NULL ? " " : "",
	    option->value != NULL ? option->value : "");
	printf("  %-26s %s\n", left, option->about);
}

static void
print_command(const struct command *command)
{
	printf("usage: tally %s%s%s%s\n\n%s\n\noptions:\n", command->name,
	    command->operands != NULL ? " " : "",
	    command->operands != NULL ? command->operands : "", " [OPTIONS]", command->about);
	for (size_t i = 0; i < command->option_count; i++)
		print_option(&command->options[i]);
	if (command->dry_run)
		print_option(&dry_run);
	for (size_t i = 0; i < COUNT(common); i++)
		print_option(&common[i]);
}

static void
print_row(const struct command *command)
{
	printf("  %-20s %s\n", command->name, command->about);
}

static void
print_list(bool jobs)
{
	for (size_t i = 0; i < command_count; i++)
		if (commands[i].job == jobs)
			print_row(&commands[i]);
}

void
command_help(const struct command *command)
{
	if (command != NULL) {
		print_command(command);
		return;
	}
	printf("usage: tally COMMAND [OPTIONS]\n\ncommands:\n");
	print_list(false);
	printf("\njobs, which timers run:\n");
	print_list(true);
	printf("\noptions of every command:\n");
	for (size_t i = 0; i < COUNT(common); i++)
		print_option(&common[i]);
	printf("\ntally --version shows the version.\n");
	printf("More: tally help COMMAND, man 8 tally.\n");
}

/* The commands that begin with the word: "key" has create, list and more. */
static bool
print_group(const char *word)
{
	size_t len = strlen(word);
	bool found = false;

	for (size_t i = 0; i < command_count; i++) {
		if (strncmp(commands[i].name, word, len) != 0 || commands[i].name[len] != ' ')
			continue;
		print_row(&commands[i]);
		found = true;
	}
	return found;
}

/* Whether the name is the words, joined by single spaces. */
static bool
is_name(const char *name, char *const *words, int count)
{
	for (int i = 0; i < count; i++) {
		size_t len = strlen(words[i]);

		if (strncmp(name, words[i], len) != 0)
			return false;
		name += len;
		if (i + 1 < count && *name++ != ' ')
			return false;
	}
	return *name == '\0';
}

int
help_run(struct command_context *context)
{
	size_t i = 0;

	if (context->operand_count == 0) {
		command_help(NULL);
		return EX_OK;
	}
	while (i < command_count &&
	       !is_name(commands[i].name, context->operands, context->operand_count))
		i++;
	if (i == command_count) {
		if (context->operand_count == 1 && print_group(context->operands[0]))
			return EX_OK;
		(void)task_fail(context->task, ERR_INVALID, "there is no such command");
		return command_failed(context);
	}
	command_help(&commands[i]);
	return EX_OK;
}
