-- Credits: accounts of money paid ahead, and the ledger of all that was posted to them. 1 credit is 1 dollar, kept to the
-- nano-dollar. A person stands in credit_accounts and credit_details only, and can be taken out of both: the ledger
-- stays as it is.

-- migrate:up

-- Whose account pays for calls.
ALTER TABLE clients ADD COLUMN credits text NOT NULL DEFAULT 'off' CHECK (credits IN ('off', 'user', 'client'));

CREATE TABLE credit_accounts (
	client_id uuid NOT NULL REFERENCES clients,
	id uuid NOT NULL,
	owner text NOT NULL CHECK (owner IN ('user', 'client')),
	user_id uuid,                                              -- NULL: the client's own, or of a user who is gone
	current_balance numeric(20, 9) NOT NULL DEFAULT 0,         -- the sum of the account's transactions
	held numeric(20, 9) NOT NULL DEFAULT 0 CHECK (held >= 0),  -- the sum of its open holds, taken from the balance
	lifetime_purchased numeric(20, 9) NOT NULL DEFAULT 0 CHECK (lifetime_purchased >= 0),
	lifetime_spent numeric(20, 9) NOT NULL DEFAULT 0 CHECK (lifetime_spent >= 0),
	lifetime_refunded numeric(20, 9) NOT NULL DEFAULT 0,
	uncovered numeric(20, 9) NOT NULL DEFAULT 0 CHECK (uncovered >= 0), -- what calls cost beyond what was there
	overdraft numeric(20, 9) NOT NULL DEFAULT 0 CHECK (overdraft >= 0),
	daily_limit numeric(20, 9) CHECK (daily_limit >= 0),
	monthly_limit numeric(20, 9) CHECK (monthly_limit >= 0),
	timezone text CHECK (length(timezone) <= 64),              -- NULL: the client's
	spent_day date NOT NULL DEFAULT '1970-01-01',              -- of spent_today
	spent_today numeric(20, 9) NOT NULL DEFAULT 0 CHECK (spent_today >= 0),
	spent_month date NOT NULL DEFAULT '1970-01-01',            -- its first day
	spent_this_month numeric(20, 9) NOT NULL DEFAULT 0 CHECK (spent_this_month >= 0),
	auto_recharge_enabled boolean NOT NULL DEFAULT false,
	auto_recharge_threshold numeric(20, 9) NOT NULL DEFAULT 10 CHECK (auto_recharge_threshold >= 0),
	auto_recharge_amount numeric(20, 9) NOT NULL DEFAULT 50 CHECK (auto_recharge_amount > 0),
	recharge_due_at timestamptz,                               -- when it fell below the threshold; NULL: it is not below
	recharge_told_at timestamptz,                              -- the recharge_due_at that an alert has told
	last_sequence bigint NOT NULL DEFAULT 0,
	last_hash bytea NOT NULL DEFAULT '\x0000000000000000000000000000000000000000000000000000000000000000'
		CHECK (length(last_hash) = 32),
	last_posted_at timestamptz NOT NULL DEFAULT '1970-01-01 00:00:00+00',
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp(), -- of its settings
	PRIMARY KEY (client_id, id),
	-- The user may be made later in the same transaction.
	FOREIGN KEY (client_id, user_id) REFERENCES users (client_id, id) ON DELETE SET NULL (user_id)
		DEFERRABLE INITIALLY DEFERRED,
	CHECK (owner = 'user' OR user_id IS NULL),
	CONSTRAINT credit_accounts_floor CHECK (current_balance >= -overdraft),
	CHECK (lifetime_refunded BETWEEN 0 AND lifetime_spent)
) WITH (fillfactor = 50); -- each posting changes its account: the new version of the row stays in the page

-- One account of a user; also the look-up of every posting.
CREATE UNIQUE INDEX credit_accounts_user_id ON credit_accounts (client_id, user_id) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX credit_accounts_client ON credit_accounts (client_id) WHERE owner = 'client';
-- alerts
CREATE INDEX credit_accounts_recharge ON credit_accounts (client_id, id)
	WHERE recharge_due_at IS NOT NULL AND recharge_told_at IS DISTINCT FROM recharge_due_at;

-- Postings leave updated_at alone: it is what If-Match compares when the settings are changed.
CREATE TRIGGER credit_accounts_updated_at BEFORE UPDATE OF overdraft, daily_limit, monthly_limit, timezone,
	auto_recharge_enabled, auto_recharge_threshold, auto_recharge_amount ON credit_accounts
	FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- The ledger. The time of a transaction is never before that of the one before it.
CREATE TABLE credit_transactions (
	client_id uuid NOT NULL,
	id uuid NOT NULL,
	account_id uuid NOT NULL,
	sequence bigint NOT NULL CHECK (sequence > 0), -- in the account, without gaps
	transaction_type text NOT NULL
		CHECK (transaction_type IN ('purchase', 'usage', 'refund', 'adjustment', 'hold', 'release', 'expiry')),
	amount numeric(20, 9) NOT NULL,                -- what it adds to the balance
	balance_after numeric(20, 9) NOT NULL,
	created_at timestamptz NOT NULL,
	source_id uuid,                                -- the record of a usage, the authorization of a hold or release
	hold_id uuid,                                  -- opened by a hold, closed by a release
	refunded_id uuid,                              -- the usage of a refund
	grant_id uuid,                                 -- what an expiry ended
	hash bytea NOT NULL CHECK (length(hash) = 32), -- credit_hash()
	PRIMARY KEY (client_id, id),
	FOREIGN KEY (client_id, account_id) REFERENCES credit_accounts,
	CHECK (CASE WHEN transaction_type IN ('purchase', 'refund', 'release') THEN amount > 0
		WHEN transaction_type = 'adjustment' THEN amount <> 0 ELSE amount < 0 END),
	CHECK (refunded_id IS NULL OR transaction_type = 'refund'),
	CHECK ((grant_id IS NOT NULL) = (transaction_type = 'expiry'))
);

-- The chain; also GET .../transactions, newest first.
CREATE UNIQUE INDEX credit_transactions_sequence ON credit_transactions (client_id, account_id, sequence);
-- A record is paid once, an authorization holds once and is released once.
CREATE UNIQUE INDEX credit_transactions_source ON credit_transactions (client_id, source_id, transaction_type)
	WHERE source_id IS NOT NULL;
-- How much of a usage was refunded.
CREATE INDEX credit_transactions_refunded ON credit_transactions (client_id, refunded_id) WHERE refunded_id IS NOT NULL;
-- Statements of a month.
CREATE INDEX credit_transactions_created_at ON credit_transactions (client_id, account_id, created_at, sequence);

-- Nobody changes what was posted, whatever the role.
CREATE TRIGGER credit_transactions_append_only BEFORE UPDATE OR DELETE ON credit_transactions
	FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER credit_transactions_no_truncate BEFORE TRUNCATE ON credit_transactions
	FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The link of an account's chain: SHA-256 of the previous hash (32 zero bytes before the first) and the facts, amounts in
-- nano-dollars, the time in microseconds since 1970. The same as credit_transaction_hash() computes.
CREATE FUNCTION credit_hash(previous bytea, posted credit_transactions) RETURNS bytea
LANGUAGE sql STABLE AS $$
	SELECT sha256(previous || convert_to(concat_ws('|', posted.account_id, posted.sequence, posted.id,
		posted.transaction_type, trunc(posted.amount * 1000000000), trunc(posted.balance_after * 1000000000),
		trunc(extract(epoch FROM posted.created_at) * 1000000), coalesce(posted.source_id::text, ''),
		coalesce(posted.hold_id::text, ''), coalesce(posted.refunded_id::text, ''),
		coalesce(posted.grant_id::text, '')), 'UTF8'))
$$;

-- What a transaction may say of a person.
CREATE TABLE credit_details (
	client_id uuid NOT NULL,
	transaction_id uuid NOT NULL,
	account_id uuid NOT NULL,
	description text CHECK (length(description) <= 500),
	metadata jsonb,
	created_by_ip inet,
	api_key_id uuid,
	PRIMARY KEY (client_id, transaction_id),
	FOREIGN KEY (client_id, transaction_id) REFERENCES credit_transactions
);

-- Open holds; a closed one is deleted, and stays in the ledger.
CREATE TABLE credit_holds (
	client_id uuid NOT NULL,
	id uuid NOT NULL,               -- the authorization's, or that of its transaction
	account_id uuid NOT NULL,
	source_id uuid,                 -- the authorization
	amount numeric(20, 9) NOT NULL CHECK (amount > 0),
	expires_at timestamptz,         -- NULL: never
	burned_grants uuid[] NOT NULL,  -- what it took, and from where, in the order it was taken
	burned_nanos bigint[] NOT NULL,
	created_at timestamptz NOT NULL,
	PRIMARY KEY (client_id, id),
	FOREIGN KEY (client_id, account_id) REFERENCES credit_accounts,
	CHECK (cardinality(burned_grants) = cardinality(burned_nanos))
);

-- GET .../holds, and the sum of an account's.
CREATE INDEX credit_holds_account ON credit_holds (client_id, account_id, id);
-- expire
CREATE INDEX credit_holds_expires_at ON credit_holds (client_id, expires_at, account_id) WHERE expires_at IS NOT NULL;

-- What was given to the account, and how much of it is there.
CREATE TABLE credit_grants (
	client_id uuid NOT NULL,
	id uuid NOT NULL,               -- its transaction's
	account_id uuid NOT NULL,
	amount numeric(20, 9) NOT NULL CHECK (amount > 0),
	remaining numeric(20, 9) NOT NULL CHECK (remaining BETWEEN 0 AND amount),
	used_up boolean NOT NULL DEFAULT false, -- what the indexes go by: remaining changes all the time
	priority integer NOT NULL DEFAULT 50 CHECK (priority BETWEEN 0 AND 100), -- the least burns first
	expires_at timestamptz,
	created_at timestamptz NOT NULL,
	PRIMARY KEY (client_id, id),
	FOREIGN KEY (client_id, account_id) REFERENCES credit_accounts,
	FOREIGN KEY (client_id, id) REFERENCES credit_transactions,
	CHECK (used_up = (remaining = 0))
) WITH (fillfactor = 50);

-- In the order in which they burn.
CREATE INDEX credit_grants_open ON credit_grants (client_id, account_id, priority, expires_at, id) WHERE NOT used_up;
-- expire, and what a posting finds that is over.
CREATE INDEX credit_grants_expires_at ON credit_grants (client_id, expires_at, account_id)
	WHERE NOT used_up AND expires_at IS NOT NULL;

CALL isolate('credit_accounts');
CALL isolate('credit_transactions');
CALL isolate('credit_details');
CALL isolate('credit_holds');
CALL isolate('credit_grants');

-- Keys that are bound to a user see that user's account and what belongs to it.
CALL isolate_user('credit_accounts', 'user_id');
-- Their accounts are looked up once a query, before it reads a row.
DO $$
DECLARE
	target regclass;
BEGIN
	FOREACH target IN ARRAY
		ARRAY['credit_transactions', 'credit_details', 'credit_holds', 'credit_grants']::regclass[]
	LOOP
		EXECUTE format('CREATE POLICY bound_user ON %s AS RESTRICTIVE TO tally_app USING (
			(SELECT nullif(current_setting(''app.user_id'', true), '''')) IS NULL OR
			account_id = ANY (ARRAY(SELECT id FROM credit_accounts
			WHERE client_id = (SELECT nullif(current_setting(''app.client_id'', true), '''')::uuid)
			AND user_id = (SELECT nullif(current_setting(''app.user_id'', true), '''')::uuid))))', target);
	END LOOP;
END
$$;

-- Whose account it is can only be forgotten, by the erasure of a person.
GRANT SELECT, INSERT, UPDATE (current_balance, held, lifetime_purchased, lifetime_spent, lifetime_refunded, uncovered,
	overdraft, daily_limit, monthly_limit, timezone, spent_day, spent_today, spent_month, spent_this_month,
	auto_recharge_enabled, auto_recharge_threshold, auto_recharge_amount, recharge_due_at, last_sequence, last_hash,
	last_posted_at) ON credit_accounts TO tally_app;
GRANT SELECT, INSERT, UPDATE (current_balance, held, lifetime_purchased, lifetime_spent, lifetime_refunded, uncovered,
	spent_day, spent_today, spent_month, spent_this_month, recharge_due_at, recharge_told_at, last_sequence, last_hash,
	last_posted_at, user_id) ON credit_accounts TO tally_worker;
GRANT SELECT, INSERT ON credit_transactions TO tally_app, tally_worker;
GRANT SELECT, INSERT ON credit_details TO tally_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON credit_details TO tally_worker;
GRANT SELECT, INSERT, DELETE ON credit_holds TO tally_app, tally_worker;
GRANT SELECT, INSERT, UPDATE (remaining, used_up) ON credit_grants TO tally_app, tally_worker;

-- migrate:down

DROP TABLE credit_grants;
DROP TABLE credit_holds;
DROP TABLE credit_details;
DROP FUNCTION credit_hash(bytea, credit_transactions);
DROP TABLE credit_transactions;
DROP TABLE credit_accounts;
ALTER TABLE clients DROP COLUMN credits;
