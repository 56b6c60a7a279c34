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

/* The database's name has been checked: it needs no other quoting. */
static const char rights_sql[] = "REVOKE ALL ON DATABASE \"%1$s\" FROM PUBLIC;"
				 "GRANT CONNECT ON DATABASE \"%1$s\" TO tally_app, tally_worker;"
				 "ALTER DATABASE \"%1$s\" SET timezone TO 'UTC';"
				 "REVOKE CREATE ON SCHEMA public FROM PUBLIC;"
				 "GRANT ALL ON SCHEMA public TO tally_owner";

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
	return db_script(target->task, arena_printf(target->task->arena, rights_sql, target->name));
}
