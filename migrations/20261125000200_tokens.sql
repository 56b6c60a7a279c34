-- Tokens of users beside the API keys: where from each may be used, whose they are, and what else is kept of them.

-- migrate:up

ALTER TABLE auth_tokens
	ADD COLUMN allowed_addresses cidr[],
	ADD CONSTRAINT auth_tokens_allowed_addresses CHECK (cardinality(allowed_addresses) BETWEEN 1 AND 16),
	ADD CONSTRAINT auth_tokens_user_agent CHECK (length(user_agent) <= 1024),
	-- What a user's browser has is always of somebody and never for good.
	ADD CONSTRAINT auth_tokens_of_user CHECK (
		token_type = 'api_key' OR (user_id IS NOT NULL AND expires_at IS NOT NULL));

COMMENT ON COLUMN auth_tokens.allowed_addresses IS 'NULL: from anywhere';
COMMENT ON COLUMN auth_tokens.rotated_to IS 'the key, or the refresh token, that took its place';
COMMENT ON COLUMN auth_tokens.lineage_id IS
	'NULL: the first of its line; a refresh token''s line has the session tokens that it gave, too';

-- The tokens of one user; the cascade from users.
CREATE INDEX auth_tokens_user_id ON auth_tokens (client_id, user_id, id) WHERE user_id IS NOT NULL;

-- Tells every tallyd which key it must not trust any more. A new key is in no cache, and a refresh token never is.
CREATE FUNCTION notify_token() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_notify('tally_cache', 'auth_tokens ' || OLD.public_id);
	RETURN NULL;
END
$$;

DROP TRIGGER auth_tokens_notify ON auth_tokens;
CREATE TRIGGER auth_tokens_delete_notify AFTER DELETE ON auth_tokens
	FOR EACH ROW WHEN (OLD.is_active AND OLD.token_type <> 'jwt_refresh') EXECUTE FUNCTION notify_token();
CREATE TRIGGER auth_tokens_update_notify
	AFTER UPDATE OF token_hash, scopes, expires_at, is_active, user_id, rate_limit_per_hour, allowed_addresses
	ON auth_tokens
	FOR EACH ROW WHEN (OLD.is_active AND OLD.token_type <> 'jwt_refresh') EXECUTE FUNCTION notify_token();

-- A use is no change.
DROP TRIGGER auth_tokens_updated_at ON auth_tokens;
CREATE TRIGGER auth_tokens_updated_at
	BEFORE UPDATE OF token_hash, name, scopes, expires_at, is_active, user_id, rate_limit_per_hour, allowed_addresses,
		rotated_to
	ON auth_tokens FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- A deleted user's tokens end as its sessions do, and do not come back with the user.
CREATE FUNCTION revoke_tokens_of_user() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	UPDATE auth_tokens
	SET is_active = false
	WHERE client_id = NEW.client_id AND user_id = NEW.id AND is_active;
	RETURN NULL;
END
$$;

CREATE TRIGGER users_revoke_tokens AFTER UPDATE OF deleted_at ON users
	FOR EACH ROW WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
	EXECUTE FUNCTION revoke_tokens_of_user();

-- migrate:down

DROP TRIGGER users_revoke_tokens ON users;
DROP FUNCTION revoke_tokens_of_user();
DROP TRIGGER auth_tokens_updated_at ON auth_tokens;
CREATE TRIGGER auth_tokens_updated_at BEFORE UPDATE ON auth_tokens
	FOR EACH ROW EXECUTE FUNCTION set_updated_at();
DROP TRIGGER auth_tokens_update_notify ON auth_tokens;
DROP TRIGGER auth_tokens_delete_notify ON auth_tokens;
DROP FUNCTION notify_token();
CREATE TRIGGER auth_tokens_notify
	AFTER INSERT OR DELETE OR UPDATE OF token_hash, scopes, expires_at, is_active, user_id, rate_limit_per_hour
	ON auth_tokens FOR EACH STATEMENT EXECUTE FUNCTION notify_cache();
DROP INDEX auth_tokens_user_id;
COMMENT ON COLUMN auth_tokens.lineage_id IS NULL;
COMMENT ON COLUMN auth_tokens.rotated_to IS NULL;
COMMENT ON COLUMN auth_tokens.allowed_addresses IS NULL;
ALTER TABLE auth_tokens
	DROP CONSTRAINT auth_tokens_of_user,
	DROP CONSTRAINT auth_tokens_user_agent,
	DROP COLUMN allowed_addresses;
