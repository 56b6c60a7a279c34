/* The project's own migrations: each part down undoes its part up, and nothing else. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "lib/seal.h"
#include "tests/servers.h"
#include "worker/migration.h"

static struct servers *servers;

/*
 * One line for whatever a migration may make: tables, columns, constraints, indexes, policies,
 * triggers, functions, views, types, rights. Lists of rights are sorted: their order tells only
 * when each was given. Columns are numbered without those that were dropped.
 */
static const char catalogue_sql[] =
    "WITH rel AS (SELECT c.*, c.oid AS id FROM pg_class c"
    " WHERE relnamespace = 'public'::regnamespace),"
    " line (text) AS ("
    " SELECT format('relation %s %s owner %s rls %s force %s options %s bound %s rights %s',"
    "  relkind, relname, relowner::regrole, relrowsecurity, relforcerowsecurity, reloptions,"
    "  pg_get_expr(relpartbound, id),"
    "  (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(relacl) AS a)) FROM rel"
    " UNION ALL SELECT format('column %s.%s %s %s null %s default %s generated %s collation %s',"
    "  relname, row_number() OVER (PARTITION BY id ORDER BY attnum), attname,"
    "  format_type(atttypid, atttypmod), NOT attnotnull,"
    "  pg_get_expr(adbin, adrelid), attgenerated, attcollation::regcollation)"
    "  FROM rel JOIN pg_attribute ON attrelid = id AND attnum > 0 AND NOT attisdropped"
    "  LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum"
    " UNION ALL SELECT format('constraint %s %s %s', relname, conname,"
    "  pg_get_constraintdef(x.oid)) FROM rel JOIN pg_constraint x ON conrelid = id"
    " UNION ALL SELECT 'index ' || pg_get_indexdef(indexrelid) FROM rel JOIN pg_index"
    "  ON indrelid = id"
    " UNION ALL SELECT format('policy %s', to_jsonb(p)) FROM pg_policies p"
    " UNION ALL SELECT 'trigger ' || pg_get_triggerdef(t.oid) || tgenabled::text FROM rel"
    "  JOIN pg_trigger t ON tgrelid = id AND NOT tgisinternal"
    " UNION ALL SELECT format('function %s owner %s rights %s', pg_get_functiondef(p.oid),"
    "  proowner::regrole,"
    "  (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(proacl) AS a))"
    "  FROM pg_proc p WHERE pronamespace = 'public'::regnamespace"
    "  AND prokind IN ('f', 'p', 'w')"
    " UNION ALL SELECT format('view %s %s', relname, pg_get_viewdef(id)) FROM rel"
    "  WHERE relkind IN ('v', 'm')"
    " UNION ALL SELECT format('type %s %s %s', typname, typtype, (SELECT string_agg(enumlabel, ' '"
    "  ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = y.oid)) FROM pg_type y"
    "  WHERE typnamespace = 'public'::regnamespace"
    " UNION ALL SELECT format('extension %s', extname) FROM pg_extension"
    " UNION ALL SELECT format('schema %s rights %s', nspname, (SELECT string_agg(a::text, ' '"
    "  ORDER BY a::text) FROM unnest(nspacl) AS a)) FROM pg_namespace"
    "  WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
    " UNION ALL SELECT format('default rights %s', to_jsonb(d) - 'oid') FROM pg_default_acl d)"
    " SELECT string_agg(text, E'\\n' ORDER BY text) FROM line";

static char *
catalogue(void)
{
	return servers_sql(servers, catalogue_sql);
}

static void
migrate(const char *action, const char *version)
{
	char *output;
	int status = servers_tally(
	    servers, &output, "migrate", action, version == NULL ? NULL : "--to", version, NULL);

	if (status != 0)
		fail_msg("migrate %s %s: %s", action, version == NULL ? "" : version, output);
	free(output);
}

/* Names the first line that differs: the whole is too long to read. */
static void
assert_same(const char *what, const char *a, const char *b)
{
	size_t line = 0;

	for (size_t i = 0;; i++) {
		if (a[i] != b[i])
			fail_msg("%s:\n%.*s\n%.*s", what, (int)strcspn(a + line, "\n"), a + line,
			    (int)strcspn(b + line, "\n"), b + line);
		if (a[i] == '\0')
			return;
		if (a[i] == '\n')
			line = i + 1;
	}
}

static void
version_text(const struct migration *migration, char out[24])
{
	snprintf(out, 24, "%lld", (long long)migration->version);
}

static struct migrations
read_files(struct task *task)
{
	const char *source = getenv("TALLY_SRCDIR");
	struct migrations files;

	seal_init();
	task_init(task, arena_new());
	if (!migrations_read(task,
		arena_printf(task->arena, "%s/migrations", source == NULL ? "." : source), &files))
		fail_msg("%s", task->err.text);
	return files;
}

static void
test_each_step_down_undoes_its_step_up(void **state)
{
	struct task task;
	struct migrations files = read_files(&task);
	char **before = arena_array(task.arena, files.count + 1, sizeof(char *));
	char version[24];

	(void)state;
	before[files.count] = catalogue();
	migrate("down", "0");
	before[0] = catalogue();
	for (size_t i = 0; i < files.count; i++) {
		version_text(&files.list[i], version);
		migrate("up", version);
		if (i + 1 < files.count)
			before[i + 1] = catalogue();
	}
	for (size_t i = files.count;; i--) {
		char *now = catalogue();

		assert_same(i == files.count ? "up again" : files.list[i].file, before[i], now);
		free(now);
		if (i == 0)
			break;
		migrate("down", NULL);
	}
	for (size_t i = 0; i <= files.count; i++)
		free(before[i]);
	migrate("up", NULL);
	arena_free(task.arena);
}

static void
test_nothing_is_left_of_a_schema_taken_back(void **state)
{
	char *tables;

	(void)state;
	migrate("down", "0");
	tables = servers_sql(servers,
	    "SELECT string_agg(relname, ' ') FROM pg_class"
	    " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')");
	assert_string_equal(tables, "schema_migrations");
	free(tables);
	migrate("up", NULL);
}

static void
test_redo_gives_the_same_schema(void **state)
{
	char *before = catalogue();
	char *after;

	(void)state;
	migrate("redo", NULL);
	after = catalogue();
	assert_same("redo", before, after);
	free(before);
	free(after);
}

static void
test_down_works_on_a_database_in_use(void **state)
{
	char *key = servers_key(servers, "in use");

	(void)state;
	free(servers_sql(servers, "INSERT INTO chat_logs (client_id, id, created_at, model)"
				  " SELECT id, gen_random_uuid(), now(), 'm' FROM clients"));
	migrate("down", "0");
	migrate("up", NULL);
	free(key);
}

static int
start(void **state)
{
	(void)state;
	servers = servers_start(SERVER_POSTGRES);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	servers_stop(servers);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_step_down_undoes_its_step_up),
		cmocka_unit_test(test_nothing_is_left_of_a_schema_taken_back),
		cmocka_unit_test(test_redo_gives_the_same_schema),
		cmocka_unit_test(test_down_works_on_a_database_in_use),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
