/*
 * What is found is what pgvector finds. Debian 12 has no package of it; the Python package pgserver
 * brings a PostgreSQL that has it along. Where PyPI cannot be reached the program is skipped.
 */
#include "tests/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/db_fixture.h"
#include "tests/embeddings.h"
#include "tests/process.h"

#define SKIPPED 77 /* automake's */
#define PGSERVER "pgserver==0.1.4"
#define ROUNDS 24
#define LIMIT 20
/* pgvector computes in single precision. */
#define TOLERANCE 2 /* millionths */

static pid_t other_pid;
static char folder[] = "/tmp/tally-pgvector-XXXXXX";

static bool
unpack(void)
{
	char command[600], *output;
	int status;

	snprintf(command, sizeof(command),
	    "cd %s && timeout 120 python3 -m pip download -q --no-deps --only-binary=:all: " PGSERVER
	    " && python3 -m zipfile -e pgserver-*.whl . &&"
	    " chmod 755 . pgserver/pginstall/bin/* && ls pgserver/pginstall/lib/postgresql/vector.so",
	    folder);
	status = process_sh(command, &output);
	if (status != 0)
		fprintf(stderr,
		    "SKIPPED: nothing is compared with pgvector, as " PGSERVER
		    " cannot be had: %s\n",
		    output);
	free(output);
	return status == 0;
}

static const char *
in_folder(const char *name)
{
	return arena_printf(task.arena, "%s/%s", folder, name);
}

/* A server of its own, for it lacks what the migrations need. */
static void
start_other(void)
{
	struct process make = {
		.argv = { in_folder("pgserver/pginstall/bin/initdb"), "--no-sync", "--auth=trust",
		    "--username=postgres", "--encoding=UTF8", "--locale=C", "--pgdata",
		    in_folder("data") },
		.user = "postgres",
	};
	struct process server = {
		.argv = { in_folder("pgserver/pginstall/bin/postgres"), "-D", in_folder("data"),
		    "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off" },
		.user = "postgres",
		.log = in_folder("log"),
		.death_signal = SIGQUIT,
	};
	char *output;
	int status;

	assert_int_equal(chmod(folder, 0777), 0);
	status = process_run(&make, &output);
	if (status != 0)
		fail_msg("%s", output);
	free(output);
	other_pid = process_start(&server);
}

static void
use_other(void)
{
	struct db_pool_settings with = settings("tally_app");

	with.statement_timeout_ms = 0;
	with.url = arena_printf(task.arena, "postgresql://postgres@/postgres?host=%s", folder);
	use(&with);
}

static void
fill_other(void)
{
	static const char insert_sql[] = "INSERT INTO e VALUES ($1, $2, $3::real[])";
	static const char *const texts[] = { "CREATE EXTENSION vector",
		"CREATE TABLE e (client_id int, prompt_hash bytea, embedding vector(1536))" };

	use_other();
	if (!servers_await(is_back, NULL))
		fail_msg("the server with pgvector does not start: %s/log", folder);
	for (size_t i = 0; i < COUNT(texts); i++)
		fine(db_script(&task, texts[i]));
	for (size_t i = 0; i < EMBEDDINGS_COUNT; i++) {
		const struct arena_mark mark = arena_mark(task.arena);
		struct db_params *params = db_params(&task);

		db_add_int(params, 1);
		prompt_hash_add(params, embeddings_hash(i));
		db_add_reals(params, embeddings_unit(i), VECTOR_SIZE);
		fine(db_query(&task, insert_sql, params, NULL));
		arena_undo(task.arena, mark);
	}
	fine(db_commit(&task));
}

static int
start(void **state)
{
	struct db_pool_settings with;

	start_postgres(state);
	free(servers_sql(servers,
	    "INSERT INTO clients (id, name) VALUES ('" EMBEDDINGS_CLIENT "', 'c') RETURNING 1"));
	begin(state);
	with = settings("tally_app");
	with.statement_timeout_ms = 0;
	use(&with);
	embeddings_store(&task);
	start_other();
	fill_other();
	return end(state);
}

static int
stop(void **state)
{
	if (other_pid > 0) {
		kill(other_pid, SIGINT);
		process_wait(other_pid, 30000);
	}
	return stop_postgres(state);
}

/* The nearest by pgvector, with their similarities in millionths. */
static struct db_rows *
ask_pgvector(const float *vector)
{
	static const char sql[] =
	    "SELECT round((1 - (embedding <=> $1::real[]::vector(1536))) * 1000000)::bigint\n"
	    "FROM e\n"
	    "WHERE client_id = 1\n"
	    "ORDER BY 1 DESC\n"
	    "LIMIT $2";
	struct db_params *params = db_params(&task);
	struct db_rows *rows;

	db_add_reals(params, vector, VECTOR_SIZE);
	db_add_int(params, LIMIT);
	fine(db_query(&task, sql, params, &rows));
	return rows;
}

/* Which ones, of those that differ by more than pgvector can err: their distances tell. */
static void
expect_same(int round, const struct prompt_matches *found, const struct db_rows *rows)
{
	assert_int_equal(db_count(rows), LIMIT);
	assert_int_equal(found->count, LIMIT);
	for (int i = 0; i < LIMIT; i++) {
		int64_t theirs = db_int(rows, i, 0), ours = found->at[i].similarity;

		if (ours - theirs > TOLERANCE || theirs - ours > TOLERANCE)
			fail_msg(
			    "round %d, number %d: %d and not %d", round, i, (int)ours, (int)theirs);
	}
}

static void
the_same_are_found(UNUSED void **state)
{
	struct prompt_matches found[ROUNDS];
	float vectors[ROUNDS][VECTOR_SIZE];
	struct db_pool_settings with = settings("tally_app");

	with.statement_timeout_ms = 0;
	use(&with);
	assert_true(id_parse((struct text){ EMBEDDINGS_CLIENT, ID_TEXT_SIZE - 1 }, &task.client));
	for (int round = 0; round < ROUNDS; round++) {
		struct prompt_search search = {
			.model = EMBEDDINGS_MODEL,
			.vector = vectors[round],
			.min_similarity = -VECTOR_SCALE,
			.limit = LIMIT,
			.search_max = PROMPT_SEARCH_MAX,
			.compare_max = PROMPT_COMPARE_MAX,
		};

		embeddings_pick(round, vectors[round]);
		fine(prompt_find_similar(&task, &search, &found[round]));
	}
	db_rollback(&task);
	use_other();
	for (int round = 0; round < ROUNDS; round++)
		expect_same(round, &found[round], ask_pgvector(vectors[round]));
}

/* Why it is not used: the index finds the nearest of all clients, and row-level security takes
 * those of others away, so that a small client is told of few prompts or none. */
static void
its_index_would_lose_a_small_clients_prompts(UNUSED void **state)
{
	use_other();
	fine(db_script(&task,
	    "INSERT INTO e SELECT 2, prompt_hash, ("
	    "SELECT array_agg(-x)::vector FROM unnest(embedding::real[]) AS x) FROM e LIMIT 20"));
	fine(db_script(&task, "CREATE INDEX ON e USING hnsw (embedding vector_cosine_ops)"));
	fine(db_script(&task, "ALTER TABLE e ENABLE ROW LEVEL SECURITY"));
	fine(db_script(&task, "CREATE POLICY client ON e USING (client_id = 2)"));
	fine(db_script(&task, "CREATE ROLE app"));
	fine(db_script(&task, "GRANT SELECT ON e TO app"));
	fine(db_query(&task, "SET LOCAL enable_seqscan = off", NULL, NULL));
	fine(db_query(&task, "SET LOCAL ROLE app", NULL, NULL));
	assert_int_equal(number("SELECT count(*) FROM e"), 20);
	assert_in_range(
	    number("SELECT count(*) FROM (SELECT FROM e ORDER BY embedding <=>"
		   " (SELECT embedding FROM e AS one WHERE client_id = 2 LIMIT 1) LIMIT 20) AS n"),
	    0, 19);
}

static void
remove_folder(void)
{
	char command[100], *output;

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	process_sh(command, &output);
	free(output);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_same_are_found),
		TEST(its_index_would_lose_a_small_clients_prompts),
	};
	int status = SKIPPED;

	if (mkdtemp(folder) == NULL)
		return 1;
	if (unpack())
		status = cmocka_run_group_tests(tests, start, stop);
	remove_folder();
	return status;
}
