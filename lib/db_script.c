#include "lib/db_private.h"

static bool
send_script(struct db *db, const char *sql)
{
	return PQexitPipelineMode(db->conn) == 1 && PQsendQuery(db->conn, sql) == 1 && db_flush(db);
}

static bool
run(struct task *task, struct db *db, const char *sql)
{
	PGresult *result = NULL;
	bool fine = send_script(db, sql) && db_answer(db, &result);

	if (fine && PQresultStatus(result) == PGRES_FATAL_ERROR)
		fine = db_refused(task, result);
	else if (!fine)
		db_lost(task, db->conn, "PostgreSQL did not run the script to its end");
	PQclear(result);
	db->spent = PQenterPipelineMode(db->conn) != 1 || PQstatus(db->conn) != CONNECTION_OK;
	return fine;
}

bool
db_script(struct task *task, const char *sql)
{
	bool alone = task->db == NULL;
	bool fine;

	if (alone && !db_acquire(task))
		return false;
	fine = run(task, task->db, sql);
	if (fine && !alone && PQtransactionStatus(task->db->conn) != PQTRANS_INTRANS)
		fine = task_fail(task, ERR_INVALID, "the script ended the transaction it ran in");
	/* Also for a script that began a transaction and did not end it. */
	if (alone || !fine)
		db_rollback(task);
	return fine;
}
