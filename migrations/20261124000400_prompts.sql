-- Prompts: which one a record was called with, what was found in it, and embeddings to find those like it. No text of a
-- prompt is stored: a prompt is its HMAC-SHA-256 under the client's id, so that the same text is another hash at every
-- client, and lists of hashes made in advance are of no use. It is a salt and no secret: who has the database and a
-- guess of the whole prompt can tell whether it is right.

-- migrate:up

-- created_at is the record's: all of a record's rows go with it (tally purge).
CREATE TABLE prompt_events (
	client_id uuid NOT NULL REFERENCES clients,
	event_id uuid NOT NULL,               -- of chat_logs
	created_at timestamptz NOT NULL,
	prompt_hash bytea NOT NULL CHECK (octet_length(prompt_hash) = 32),
	prefix_hash bytea CHECK (octet_length(prefix_hash) = 32), -- of its first bytes; NULL: it is shorter, or not known
	cost_cents numeric(20, 7) CHECK (cost_cents >= 0), -- the record's, which never changes; NULL: it is unpriced
	PRIMARY KEY (client_id, event_id)
);

-- GET /v1/prompts/duplicates, and purge.
CREATE INDEX prompt_events_created_at ON prompt_events (client_id, created_at);
-- Whether another call began with the same text.
CREATE INDEX prompt_events_prefix ON prompt_events (client_id, prefix_hash) WHERE prefix_hash IS NOT NULL;

CALL isolate('prompt_events');

CREATE TABLE prompt_analysis (
	client_id uuid NOT NULL,
	event_id uuid NOT NULL,
	input_token_ratio numeric(5, 4) CHECK (input_token_ratio BETWEEN 0 AND 1),
	redundancy_score numeric(5, 4) NOT NULL CHECK (redundancy_score BETWEEN 0 AND 1),
	suggestions text[] NOT NULL,          -- codes
	analyzed_at timestamptz NOT NULL,
	PRIMARY KEY (client_id, event_id),
	FOREIGN KEY (client_id, event_id) REFERENCES prompt_events (client_id, event_id) ON DELETE CASCADE
);

CALL isolate('prompt_analysis');

-- The distance operators of pgvector are not used, nor is its HNSW index: one index would hold the vectors of every
-- tenant, be searched without regard to row-level security, and have the rows of others taken from what it found, so that
-- a small tenant would be told of few neighbours or none. What is read instead is the sketch: two bytes for each number,
-- in the row itself (plain storage), with a bound on its error, by which the vectors that must be compared are found.
CREATE TABLE prompt_embeddings (
	client_id uuid NOT NULL REFERENCES clients,
	prompt_hash bytea NOT NULL CHECK (octet_length(prompt_hash) = 32),
	model text NOT NULL CHECK (length(model) BETWEEN 1 AND 160), -- that made the embedding
	seen_at timestamptz NOT NULL,         -- when it was sent last, or the time of the latest of its records
	event_id uuid,                        -- the record that it was sent with last
	sketch bytea NOT NULL CHECK (octet_length(sketch) = 3172),
	embedding real[] NOT NULL CHECK (array_length(embedding, 1) = 1536), -- of length 1
	PRIMARY KEY (client_id, model, prompt_hash)
);
ALTER TABLE prompt_embeddings
	ALTER sketch SET STORAGE PLAIN,
	-- Next to nothing is gained by compressing such numbers.
	ALTER embedding SET STORAGE EXTERNAL;

-- POST /v1/prompts/similar, and purge.
CREATE INDEX prompt_embeddings_seen_at ON prompt_embeddings (client_id, model, seen_at);

CALL isolate('prompt_embeddings');

GRANT SELECT, INSERT, UPDATE ON prompt_events, prompt_analysis, prompt_embeddings TO tally_app;
GRANT SELECT, DELETE ON prompt_events, prompt_analysis, prompt_embeddings TO tally_worker;

-- migrate:down

DROP TABLE prompt_embeddings;
DROP TABLE prompt_analysis;
DROP TABLE prompt_events;
