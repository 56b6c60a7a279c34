/* I4: the books of credits against themselves, against the log, and against the journal. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/torture/checker_private.h"

/* What was posted by hand, by the mark that stands in its description. */
static const char posted_sql[] =
    "SELECT coalesce(string_agg(line, E'\\n'), '') FROM ("
    "SELECT concat_ws(' ', c.name, d.description, count(*), "
    "(min(t.amount) * 1000000000)::bigint) AS line "
    "FROM credit_details d JOIN clients c ON c.id = d.client_id "
    "JOIN credit_transactions t ON t.client_id = d.client_id AND t.id = d.transaction_id "
    "WHERE c.name = ANY ('{%s}') AND d.description IS NOT NULL "
    "GROUP BY c.name, d.description) AS lines";

/* Each asks for what must not be there, as a text. */
static const struct {
	const char *sentence;
	const char *sql;
} questions[] = {
	{ "accounts that are not the sum of their transactions",
	    "SELECT a.client_id, a.id FROM credit_accounts a LEFT JOIN LATERAL ("
	    "SELECT coalesce(sum(amount), 0) AS sum, count(*), coalesce(max(sequence), 0) AS last "
	    "FROM credit_transactions t WHERE t.client_id = a.client_id AND t.account_id = a.id) "
	    "AS t ON true WHERE (a.current_balance, a.last_sequence, a.last_sequence) "
	    "IS DISTINCT FROM (t.sum, t.last, t.count)" },
	{ "accounts below their floor",
	    "SELECT client_id, id FROM credit_accounts WHERE current_balance < -overdraft" },
	{ "accounts that hold something else than their holds",
	    "SELECT a.client_id, a.id FROM credit_accounts a WHERE held <> (SELECT coalesce(sum(amount), 0) "
	    "FROM credit_holds h WHERE h.client_id = a.client_id AND h.account_id = a.id)" },
	{ "accounts whose grants are not what is there",
	    "SELECT a.client_id, a.id FROM credit_accounts a WHERE greatest(current_balance, 0) <> "
	    "(SELECT coalesce(sum(remaining), 0) FROM credit_grants g "
	    "WHERE g.client_id = a.client_id AND g.account_id = a.id)" },
	{ "links of the chain that do not hold",
	    "SELECT client_id, id FROM (SELECT t.client_id, t.id, t.balance_after, t.amount, "
	    "lag(t.balance_after, 1, 0::numeric) OVER w AS before, t.hash, "
	    "credit_hash(lag(t.hash, 1, decode(repeat('00', 32), 'hex')) OVER w, t) AS due "
	    "FROM credit_transactions t "
	    "WINDOW w AS (PARTITION BY client_id, account_id ORDER BY sequence)) AS t "
	    "WHERE before + amount <> balance_after OR before + amount < 0 OR hash <> due" },
	{ "calls that were paid and are not in the log",
	    "SELECT t.client_id, t.id FROM credit_transactions t WHERE transaction_type = 'usage' "
	    "AND source_id IS NOT NULL AND NOT EXISTS (SELECT FROM chat_logs l "
	    "WHERE l.client_id = t.client_id AND l.id = t.source_id "
	    "AND coalesce(l.verified_cost_cents, l.estimated_cost_cents) / 100 >= -t.amount)" },
	{ "clients whose calls cost something else than was paid and was uncovered",
	    "SELECT c.id AS client_id, c.name FROM clients c WHERE credits <> 'off' AND "
	    "(SELECT coalesce(sum(coalesce(verified_cost_cents, estimated_cost_cents)), 0) / 100 "
	    "FROM chat_logs l WHERE l.client_id = c.id) <> "
	    "(SELECT coalesce(-sum(amount), 0) FROM credit_transactions t WHERE t.client_id = c.id "
	    "AND transaction_type = 'usage' AND source_id IS NOT NULL) + "
	    "(SELECT coalesce(sum(uncovered), 0) FROM credit_accounts a WHERE a.client_id = c.id)" },
	{ "authorizations that were not held once",
	    "SELECT a.client_id, a.id FROM authorizations a JOIN clients c ON c.id = a.client_id "
	    "WHERE c.credits <> 'off' AND a.held_cents > 0 AND 1 <> (SELECT count(*) "
	    "FROM credit_transactions t WHERE t.client_id = a.client_id AND t.source_id = a.id "
	    "AND transaction_type = 'hold' AND amount = -a.held_cents / 100)" },
	{ "holds of what is no authorization, or is settled or voided",
	    "SELECT h.client_id, h.id FROM credit_holds h LEFT JOIN authorizations a "
	    "ON a.client_id = h.client_id AND a.id = h.source_id WHERE h.source_id IS NOT NULL "
	    "AND (a.id IS NULL OR a.settled_at IS NOT NULL OR a.voided_at IS NOT NULL)" },
};

static void
check_posted(const struct checker *checker, const char *line, char *seen, size_t count,
    struct findings *findings)
{
	char name[80], mark[80];
	struct journal_entry entry;
	int64_t amount;
	size_t number;
	long times;
	int client;

	if (sscanf(line, "%79s %79s %ld %" SCNd64, name, mark, &times, &amount) != 4 ||
	    !journal_read_mark(mark, &client, &number) || number >= count) {
		checker_tell(findings, FINDING_CREDITS, 1, "nobody posted %s", line);
		return;
	}
	entry = journal_find(checker->journal, number);
	seen[number] = 1;
	if (entry.kind != JOURNAL_POSTING || entry.client != client ||
	    strcmp(checker->clients[client].name, name) != 0)
		checker_tell(findings, FINDING_CREDITS, 1, "%s is posted for %s", mark, name);
	if (entry.state == JOURNAL_REFUSED || entry.state == JOURNAL_SENT)
		checker_tell(findings, FINDING_CREDITS, 1, "%s was refused and is posted", mark);
	if (times != 1 || amount != entry.nanos)
		checker_tell(findings, FINDING_CREDITS, 1,
		    "%s of %" PRId64 " is posted %ld times, with %" PRId64, mark, entry.nanos,
		    times, amount);
}

static void
check_postings(const struct checker *checker, struct findings *findings)
{
	size_t count = journal_count(checker->journal);
	char *seen = calloc(count + 1, 1);
	char names[CHECKER_NAMES_SIZE], *lines, *rest, *line;

	checker_list_names(checker, names, sizeof(names));
	rest = lines = checker_ask(checker, posted_sql, names);
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (*line != '\0')
			check_posted(checker, line, seen, count, findings);
	}
	for (size_t i = 0; i < count; i++) {
		struct journal_entry entry = journal_find(checker->journal, i);

		if (entry.kind == JOURNAL_POSTING && entry.state == JOURNAL_ACKNOWLEDGED &&
		    !seen[i])
			checker_tell(
			    findings, FINDING_CREDITS, 1, "c%d-%zu is lost", entry.client, i);
	}
	free(seen);
	free(lines);
}

void
checker_credits(const struct checker *checker, struct findings *findings)
{
	char names[CHECKER_NAMES_SIZE];

	checker_list_names(checker, names, sizeof(names));
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		char *found = checker_ask(checker,
		    "SELECT concat_ws(' ', count(*), (array_agg(w.*))[1:3]::text) FROM (%s) AS w "
		    "JOIN clients ON clients.id = w.client_id WHERE clients.name = ANY ('{%s}') "
		    "HAVING count(*) > 0",
		    questions[i].sql, names);

		if (*found != '\0')
			checker_tell(findings, FINDING_CREDITS, strtol(found, NULL, 10), "%s: %s",
			    questions[i].sentence, found);
		free(found);
	}
	check_postings(checker, findings);
}
