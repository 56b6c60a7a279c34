/*
 * tally: the jobs that timers run and the commands of the operator. Begin reading at the table.
 */
#include "lib/log.h"
#include "lib/seal.h"
#include "worker/commands.h"
#include "worker/user_name.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define OPTIONS(table) .options = (table), .option_count = COUNT(table)

static const struct command_option migrate_options[] = {
	{ "to", "VERSION", "go up or down to this version" },
};
static const struct command_option database_options[] = {
	{ "superuser-url", "URL",
	    "who may make databases and roles (default: database_owner_url's user)" },
};
static const struct command_option client_create_options[] = {
	{ "name", "NAME", "1 to 80 characters" },
	{ "timezone", "TZ", "IANA name of the zone of its days (default: UTC)" },
	{ "plan", "PLAN", "free, pro or enterprise (default: free)" },
	{ "log-retention-days", "N", "how long its records are kept (default: the setting)" },
	{ "message-retention-days", "N", "how long its messages are kept (default: the setting)" },
	{ "if-missing", NULL, "a client of that name is shown instead of refused" },
};
static const struct command_option key_create_options[] = {
	{ "client", "CLIENT", "name or id of the client, or \"operator\"" },
	{ "name", "NAME", "what the key is for (default: default)" },
	{ "scopes", "SCOPES", "all, or names with commas between them (default: all)" },
	{ "user", "ID", "the only user whose rows it sees and writes (default: every user)" },
	{ "rate-limit", "N", "requests that the key may make in an hour (default: no limit)" },
	{ "allow", "RANGES",
	    "where it may be used, with commas: 192.0.2.0/24 (default: anywhere)" },
};
static const struct command_option key_list_options[] = {
	{ "client", "CLIENT", "name or id of the client, or \"operator\" (default: every client)" },
};
static const struct command_option key_rotate_options[] = {
	{ "grace", "SECONDS", "how long the old key still holds (default: 86400)" },
};
static const struct command_option budget_list_options[] = {
	{ "client", "CLIENT", "name or id of the client (default: every client)" },
};
static const struct command_option budget_set_options[] = {
	{ "client", "CLIENT", "name or id of the client" },
	{ "name", "NAME", "the budget that has this name is changed, else one is made" },
	{ "tiers", NULL, "make the ready-made budgets of the four user tiers that are missing" },
	{ "limit-cents", "CENTS", "what a window may cost" },
	{ "limit-requests", "N", "how many calls a window may have" },
	{ "limit-tokens", "N", "how many tokens a window may have" },
	{ "window", "WINDOW", "day, week, month, quarter, year, total or rolling" },
	{ "rolling-hours", "N", "with the window rolling" },
	{ "timezone", "TZ", "in which windows begin (default: the client's)" },
	{ "scope", "KEY=VALUE,...", "count the calls that have all of these (default: all calls)" },
	{ "each", "KEY", "one bucket with the full limit for each value of it: user_id, ..." },
	{ "mode", "MODE", "hard, soft or shadow (default: hard)" },
	{ "unpriced", "WHAT", "of calls without a price: block, allow or fallback" },
	{ "fallback-rate", "DOLLARS", "per 1,000,000 tokens" },
};
static const struct command_option prices_import_options[] = {
	{ "valid-from", "DATE", "changed prices hold from this day, UTC (default: now)" },
	{ "force", NULL, "take a file that has lost many models" },
};
static const struct command_option prices_list_options[] = {
	{ "at", "DATE", "prices of that day (default: today)" },
	{ "model", "MODEL", "this model only" },
};
static const struct command_option import_options[] = {
	{ "url", "URL", "of the service (default: TALLY_URL of the environment)" },
	{ "key", "KEY", "a key with logs:write; better in TALLY_API_KEY of the environment" },
};
static const struct command_option export_options[] = {
	{ "out", "DIR", "the folder of the files; made where it is not there" },
	{ "what", "WHAT", "records, usage (rollups by hour), focus (FinOps columns) or audit" },
	{ "format", "FORMAT", "ndjson or csv" },
	{ "client", "CLIENT", "name or id of the client (default: every client)" },
	{ "since", "DATE", "first day, in the client's zone (default: the first there is)" },
	{ "until", "DATE", "last day (default: yesterday)" },
	{ "plain", NULL, "do not pack the files with gzip" },
	{ "refresh", NULL, "write files again whose day has the same sums, too" },
	{ "check", NULL, "compare the files of --out with its manifest instead" },
};
static const struct command_option user_options[] = { USER_NAME_OPTIONS };
static const struct command_option reconcile_options[] = {
	{ "days", "N", "how many days to look back (default: 2)" },
	{ "full", NULL, "every day that is not closed" },
};
static const struct command_option alerts_options[] = {
	{ "dead", NULL, "show what could not be delivered instead" },
	{ "retry", "ID", "let what could not be delivered be due again instead" },
};
static const struct command_option rollup_options[] = {
	{ "from", "DATE", "also sum every day from this one again" },
	{ "to", "DATE", "up to this one" },
};
static const struct command_option partitions_options[] = {
	{ "from", "DATE", "also every day from this one" },
	{ "to", "DATE", "up to this one" },
};

const struct command commands[] = {
	{ .name = "help",
	    .run = help_run,
	    .operands = "[COMMAND]",
	    .operands_max = 2,
	    .about = "Lists the commands, or explains one." },
	{ .name = "migrate",
	    .run = migrate_run,
	    .role = COMMAND_OWNER,
	    .operands = "[up|down|status|redo]",
	    .operands_max = 1,
	    OPTIONS(migrate_options),
	    .dry_run = true,
	    .about = "Applies the migrations, takes them back, or shows them." },
	{ .name = "db",
	    .run = database_run,
	    .role = COMMAND_OWNER,
	    .operands = "init|drop|reset",
	    .operands_min = 1,
	    .operands_max = 1,
	    OPTIONS(database_options),
	    .about = "Makes the database, or (in development) drops it." },
	{ .name = "client create",
	    .run = client_create_run,
	    .role = COMMAND_WORKER,
	    OPTIONS(client_create_options),
	    .about = "Makes a client: a tenant with its own keys, records and days." },
	{ .name = "client list",
	    .run = client_list_run,
	    .role = COMMAND_WORKER,
	    .about = "Lists the clients." },
	{ .name = "client deactivate",
	    .run = client_deactivate_run,
	    .role = COMMAND_WORKER,
	    .operands = "CLIENT",
	    .operands_min = 1,
	    .operands_max = 1,
	    .about = "Refuses a client's keys from now on; its records stay." },
	{ .name = "key create",
	    .run = key_create_run,
	    .role = COMMAND_WORKER,
	    OPTIONS(key_create_options),
	    .about = "Makes an API key and shows it this once." },
	{ .name = "key list",
	    .run = key_list_run,
	    .role = COMMAND_WORKER,
	    OPTIONS(key_list_options),
	    .about = "Lists the API keys, without their secrets." },
	{ .name = "key revoke",
	    .run = key_revoke_run,
	    .role = COMMAND_WORKER,
	    .operands = "ID",
	    .operands_min = 1,
	    .operands_max = 1,
	    .about = "Refuses a key from now on." },
	{ .name = "key rotate",
	    .run = key_rotate_run,
	    .role = COMMAND_WORKER,
	    .operands = "ID",
	    .operands_min = 1,
	    .operands_max = 1,
	    OPTIONS(key_rotate_options),
	    .about = "Makes a new key in place of one, which holds for a while longer." },
	{ .name = "key rotate-seal",
	    .run = key_rotate_seal_run,
	    .role = COMMAND_WORKER,
	    .dry_run = true,
	    .about = "Seals secrets anew with seal_key that seal_key_previous opens." },
	{ .name = "budget list",
	    .run = budget_list_run,
	    .role = COMMAND_WORKER,
	    OPTIONS(budget_list_options),
	    .about = "Lists the budgets." },
	{ .name = "budget set",
	    .run = budget_set_run,
	    .role = COMMAND_WORKER,
	    OPTIONS(budget_set_options),
	    .about = "Makes or changes a budget: a limit on what is spent in each window." },
	{ .name = "prices import",
	    .run = prices_import_run,
	    .role = COMMAND_WORKER,
	    .operands = "FILE",
	    .operands_min = 1,
	    .operands_max = 1,
	    OPTIONS(prices_import_options),
	    .dry_run = true,
	    .about = "Takes the prices of a file in LiteLLM's format." },
	{ .name = "prices list",
	    .run = prices_list_run,
	    .role = COMMAND_WORKER,
	    OPTIONS(prices_list_options),
	    .about = "Lists the prices of a day." },
	{ .name = "prices diff",
	    .run = prices_diff_run,
	    .role = COMMAND_WORKER,
	    .operands = "FILE",
	    .operands_min = 1,
	    .operands_max = 1,
	    .about = "Shows what an import of the file would change." },
	{ .name = "import",
	    .run = import_run,
	    .role = COMMAND_OFFLINE,
	    .operands = "FILE",
	    .operands_min = 1,
	    .operands_max = 1,
	    OPTIONS(import_options),
	    .about = "Sends the records of an NDJSON or CSV file to the service." },
	{ .name = "export",
	    .run = export_run,
	    .role = COMMAND_WORKER,
	    OPTIONS(export_options),
	    .dry_run = true,
	    .about = "Writes records, rollups or FinOps columns into files, by client and day." },
	{ .name = "export-user",
	    .run = export_user_run,
	    .role = COMMAND_WORKER,
	    OPTIONS(user_options),
	    .about = "Writes all that is kept of a user to standard output, as NDJSON." },
	{ .name = "verify",
	    .run = verify_run,
	    .role = COMMAND_WORKER,
	    .about = "Sums days, rollups, budgets and credits again and names every difference." },
	{ .name = "status",
	    .run = status_run,
	    .role = COMMAND_WORKER,
	    .about = "Shows today: spend, requests, tokens, and how fresh they are." },
	{ .name = "doctor",
	    .run = doctor_run,
	    .role = COMMAND_WORKER,
	    .about = "Checks the installation and says how to mend what is wrong." },
	{ .name = "flush",
	    .run = flush_run,
	    .role = COMMAND_WORKER,
	    .dry_run = true,
	    .job = true,
	    .about = "Writes the day's counters and late days to daily_costs." },
	{ .name = "rollup",
	    .run = rollup_run,
	    .role = COMMAND_WORKER,
	    OPTIONS(rollup_options),
	    .dry_run = true,
	    .job = true,
	    .about = "Sums what is new in the log by hour and day, for analytics." },
	{ .name = "reconcile",
	    .run = reconcile_run,
	    .role = COMMAND_WORKER,
	    OPTIONS(reconcile_options),
	    .dry_run = true,
	    .job = true,
	    .about = "Compares log, daily_costs and counters, and heals them from the log." },
	{ .name = "alerts",
	    .run = alerts_run,
	    .role = COMMAND_WORKER,
	    OPTIONS(alerts_options),
	    .dry_run = true,
	    .job = true,
	    .about =
		"Tells of what is reached, once each, sends to webhooks, tests integrations." },
	{ .name = "expire",
	    .run = expire_run,
	    .role = COMMAND_WORKER,
	    .dry_run = true,
	    .job = true,
	    .about =
		"Ends holds and grants past their time, and measures what is held and spent." },
	{ .name = "erase",
	    .run = erase_run,
	    .role = COMMAND_WORKER,
	    OPTIONS(user_options),
	    .dry_run = true,
	    .job = true,
	    .about = "Takes persons out of all that is kept, and shows the receipt." },
	{ .name = "purge",
	    .run = purge_run,
	    .role = COMMAND_WORKER,
	    .dry_run = true,
	    .job = true,
	    .about = "Removes what is past its time; the log only from closed days." },
	{ .name = "partitions",
	    .run = partitions_run,
	    .role = COMMAND_WORKER,
	    OPTIONS(partitions_options),
	    .dry_run = true,
	    .job = true,
	    .about = "Makes the partitions of the days ahead." },
};
const size_t command_count = COUNT(commands);

static int
run_command(struct command_context *context)
{
	const struct conf *conf = &context->conf;
	struct db_pool_settings pool = command_pool_settings(conf, context->command->role);
	struct redis_settings redis = { .url = conf->redis_url,
		.connect_timeout_ms = conf->redis_connect_timeout_ms,
		.command_timeout_ms = conf->redis_command_timeout_ms };
	const struct seal_keys seal_keys = { conf->seal_key, conf->seal_key_previous };
	int status;

	if (context->command->role == COMMAND_OFFLINE)
		return context->command->run(context);
	context->pool = db_pool_new(&pool);
	context->task->pool = context->pool;
	context->task->seal_keys = &seal_keys;
	context->task->redis = redis_new(&redis);
	status = context->command->run(context);
	db_rollback(context->task);
	arena_reset(context->task->arena);
	redis_free(context->task->redis);
	db_pool_free(context->pool);
	return status;
}

static int
start(struct command_context *context, int argc, char **argv)
{
	const char *path = NULL;
	bool help = false;

	if (!command_read(context, argc, argv, &path, &help))
		return command_failed(context);
	if (help) {
		command_help(context->command);
		return argc > 1 ? EX_OK : EX_USAGE;
	}
	if (context->command->role != COMMAND_OFFLINE &&
	    !conf_read(context->task, path, &context->conf)) {
		(void)command_failed(context);
		return EX_CONFIG;
	}
	return run_command(context);
}

int
main(int argc, char **argv)
{
	struct arena *arena = arena_new();
	struct task task;
	struct command_context context = { .task = &task };
	int status;

	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		printf("tally %s\n", PACKAGE_VERSION);
		return EX_OK;
	}
	/* Redis may close its end while hiredis writes; that is an error, not our end. */
	signal(SIGPIPE, SIG_IGN);
	log_open(LOG_LEVEL_INFO);
	seal_init();
	task_init(&task, arena);
	status = start(&context, argc, argv);
	arena_free(arena);
	return status;
}
