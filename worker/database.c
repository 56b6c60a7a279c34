/*
 * tally db: the database and its roles, made by a superuser; for development also dropped.
 */
#include "worker/commands.h"

#include <string.h>
#include <sysexits.h>

#include "worker/migrate.h"
#include "worker/output.h"

#define NAME_MAX_BYTES 63

/*
 * tally_owner runs the migrations, tally_app answers requests and sees its tenant only,
 * tally_worker runs the jobs. None may bypass row-level security, whoever made it.
 */
static const char roles_sql[] =
    "DO $$\n"
    "DECLARE\n"
    "	role text;\n"
    "BEGIN\n"
    "	FOREACH role IN ARRAY ARRAY['tally_owner', 'tally_app', 'tally_worker'] LOOP\n"
    "		BEGIN\n"
    "			EXECUTE format('CREATE ROLE %I LOGIN', role);\n"
    "		EXCEPTION WHEN duplicate_object OR unique_violation THEN\n"
    "			NULL;\n"
    "		END;\n"
    "		EXECUTE format('ALTER ROLE %I LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE'\n"
    "			' NOCREATEDB', role);\n"
    "	END LOOP;\n"
    "END\n"
    "$$";

static const char exists_sql[] = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)";

static const char rights_sql[] =
    "DO $$\n"
    "BEGIN\n"
    "	EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());\n"
    "	EXECUTE format('GRANT CONNECT ON DATABASE %I TO tally_app, tally_worker',\n"
    "		current_database());\n"
    "	EXECUTE format('ALTER DATABASE %I SET timezone TO ''UTC''', current_database());\n"
    "	REVOKE CREATE ON SCHEMA public FROM PUBLIC;\n"
    "	GRANT ALL ON SCHEMA public TO tally_owner;\n"
    "END\n"
    "$$";

struct target {
	struct command_context *context;
	struct task *task;
	const char *superuser_url; /* to a database that is always there */
	const char *name;
};

/* What stands in CREATE DATABASE cannot be a parameter, so it may hold nothing that needs care. */
static bool
check_name(struct task *task, const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

	if (name == NULL || name[0] == '\0')
		return task_fail(task, ERR_INVALID, "database_owner_url does not name a database");
	if (strlen(name) > NAME_MAX_BYTES || strspn(name, allowed) != strlen(name) ||
	    strcmp(name, "postgres") == 0 || strncmp(name, "template", strlen("template")) == 0)
		return task_fail(task, ERR_INVALID,
		    "the database's name must be lower-case letters, digits, _ and -,"
		    " and not one of PostgreSQL's own");
	return true;
}

static bool
find_target(struct command_context *context, struct target *ret)
{
	struct task *task = context->task;
	struct db_pool_settings settings = command_pool_settings(&context->conf, COMMAND_OWNER);
	const char *given = command_value(context, "superuser-url");
	struct target target = { .context = context, .task = task };

	if (!db_url_get(task, settings.url, "dbname", &target.name) ||
	    !check_name(task, target.name) ||
	    !db_url_set(task, given == NULL ? settings.url : given, "dbname", "postgres",
		&target.superuser_url))
		return false;
	*ret = target;
	return true;
}

/* Work on a database as the superuser, with a pool of its own. */
static bool
with_pool(const struct target *target, const char *url, bool (*work)(const struct target *target))
{
	struct task *task = target->task;
	struct db_pool_settings settings =
	    command_pool_settings(&target->context->conf, COMMAND_OWNER);
	struct db_pool *before = task->pool;
	bool fine;

	settings.url = url;
	task->pool = db_pool_new(&settings);
	fine = work(target);
	db_rollback(task);
	db_pool_free(task->pool);
	task->pool = before;
	return fine;
}

static void
say(const struct target *target, const char *what)
{
	struct output_line line = output_line(target->context, what);

	output_text(&line, "database", target->name);
	output_print(&line);
}

static bool
make(const struct target *target)
{
	struct task *task = target->task;
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_text(params, target->name);
	if (!db_script(task, roles_sql) || !db_query_one(task, exists_sql, params, &rows) ||
	    !db_commit(task))
		return false;
	if (db_bool(rows, 0, 0)) {
		say(target, "exists");
		return true;
	}
	if (!db_script(task,
		arena_printf(task->arena,
		    "CREATE DATABASE \"%s\" OWNER tally_owner ENCODING 'UTF8' TEMPLATE template0",
		    target->name)))
		return false;
	say(target, "created");
	return true;
}

static bool
set_rights(const struct target *target)
{
	return db_script(target->task, rights_sql);
}

static bool
init(const struct target *target)
{
	struct task *task = target->task;
	const char *url;

	return with_pool(target, target->superuser_url, make) &&
	       db_url_set(task, target->superuser_url, "dbname", target->name, &url) &&
	       with_pool(target, url, set_rights);
}

static bool
remove_database(const struct target *target)
{
	struct task *task = target->task;
	const char *sql =
	    arena_printf(task->arena, "DROP DATABASE IF EXISTS \"%s\" WITH (FORCE)", target->name);

	if (!db_script(task, sql))
		return false;
	say(target, "dropped");
	return true;
}

static bool
drop(const struct target *target)
{
	if (!target->context->conf.development)
		return task_fail(target->task, ERR_FORBIDDEN,
		    "this would destroy the books: only with \"development = true\" in tally.conf");
	return with_pool(target, target->superuser_url, remove_database);
}

static bool
reset(const struct target *target)
{
	return drop(target) && init(target) && migrate_up(target->context, INT64_MAX);
}

static const struct {
	const char *name;
	bool (*act)(const struct target *target);
} actions[] = {
	{ "init", init },
	{ "drop", drop },
	{ "reset", reset },
};

int
database_run(struct command_context *context)
{
	struct target target;

	for (size_t i = 0; i < COUNT(actions); i++) {
		if (strcmp(actions[i].name, context->operands[0]) != 0)
			continue;
		if (find_target(context, &target) && actions[i].act(&target))
			return EX_OK;
		return command_failed(context);
	}
	task_fail(context->task, ERR_INVALID, "db takes init, drop or reset");
	return command_failed(context);
}
