-- What the service stores with each 64 of the records of records_span.sql, which is given the same: for each client a
-- row that says that there is something new. In one transaction with them.
INSERT INTO ingest_batches (client_id, id, epoch)
SELECT c.owner, bench.id(first + least(b * 64, :count) * length / :count, md5(:'seed' || ' batch ' || b)),
	coalesce(s.epoch, 1)
FROM bench.past(:'since', :'until'), generate_series(1, (:count + 63) / 64) AS b,
	(SELECT DISTINCT owner FROM bench.slots) AS c
LEFT JOIN counter_states AS s ON s.client_id = c.owner;
