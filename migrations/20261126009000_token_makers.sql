-- Which key a token was made with: what a key has made ends when the key is revoked.

-- migrate:up

-- No foreign key: purge removes a key that is over, and what it has made goes on for its own time.
ALTER TABLE auth_tokens ADD COLUMN maker_id uuid CHECK (maker_id <> id);

COMMENT ON COLUMN auth_tokens.maker_id IS
	'the key that asked for it; NULL: an operator did, or it is from before this was kept';

-- What ends with a key.
CREATE INDEX auth_tokens_maker_id ON auth_tokens (client_id, maker_id) WHERE maker_id IS NOT NULL;

-- migrate:down

ALTER TABLE auth_tokens DROP COLUMN maker_id;
