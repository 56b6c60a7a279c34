-- A client with a call today, whose day is open: flush will find that Redis has not counted it.
INSERT INTO chat_logs (client_id, id, created_at, provider, model, input_tokens, output_tokens,
	tokens_used, estimated_cost_cents)
SELECT id, (lpad(to_hex(ms), 12, '0') || '7' || substr(md5('one'), 1, 3) || '8' || substr(md5('one'), 4, 15))::uuid,
	to_timestamp(ms / 1000.0), 'openai', 'gpt-4o-mini', 1200, 350, 1550, 0.039
FROM clients, (SELECT (extract(epoch FROM now()) * 1000)::bigint AS ms) AS t
WHERE name = 'days';

INSERT INTO counter_states (client_id, epoch, day)
SELECT id, 1, (now() AT TIME ZONE 'UTC')::date FROM clients WHERE name = 'days';
