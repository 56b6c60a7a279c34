-- The audit log is read: by its own client, and by operators that of every client. It cannot be emptied either.

-- migrate:up

-- GET /v1/audit-log: the primary key has a client's entries by time; entity and action are filtered while it is read.
-- Of all clients, for operators.
CREATE INDEX audit_log_id ON audit_log (id);
-- ?entity_id=, and the erasure of a person.
CREATE INDEX audit_log_entity_id ON audit_log (client_id, entity_id, id) WHERE entity_id IS NOT NULL;
-- ?api_key_id=
CREATE INDEX audit_log_api_key_id ON audit_log (client_id, api_key_id, id) WHERE api_key_id IS NOT NULL;
-- ?user_id=, and the erasure of a person.
CREATE INDEX audit_log_user_id ON audit_log (client_id, user_id, id) WHERE user_id IS NOT NULL;

CREATE POLICY operator ON audit_log FOR SELECT TO tally_app
	USING ((SELECT current_setting('app.operator', true)) = 'on');

-- For every role, as the trigger that refuses changes of rows.
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit_log
	FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- migrate:down

DROP TRIGGER audit_log_no_truncate ON audit_log;
DROP POLICY operator ON audit_log;
DROP INDEX audit_log_user_id, audit_log_api_key_id, audit_log_entity_id, audit_log_id;
