-- What budgets count, kept apart from what may change or go: the tier that a user had when a call was counted.

-- migrate:up

ALTER TABLE chat_logs ADD COLUMN user_tier text CHECK (user_tier IN ('anonymous', 'free', 'premium', 'enterprise'));

-- migrate:down

ALTER TABLE chat_logs DROP COLUMN user_tier;
