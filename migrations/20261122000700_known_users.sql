-- The write path keeps in the process which users are there, and their tiers: it is told when that changes.

-- migrate:up

CREATE TRIGGER users_tier_notify AFTER UPDATE OF tier ON users
	FOR EACH ROW WHEN (NEW.tier IS DISTINCT FROM OLD.tier) EXECUTE FUNCTION notify_cache();
CREATE TRIGGER users_delete_notify AFTER DELETE ON users
	FOR EACH ROW EXECUTE FUNCTION notify_cache();

-- migrate:down

DROP TRIGGER users_delete_notify ON users;
DROP TRIGGER users_tier_notify ON users;
