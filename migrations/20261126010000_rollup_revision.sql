-- What says that the rollups are as they were, so that sums of them may be kept.

-- migrate:up

-- Names what the rollups hold of all days before days_until: another one whenever that is not the same any more, in the
-- transaction that changes it. Random, so that none comes again behind a restore.
ALTER TABLE rollup_clients ADD COLUMN revision uuid NOT NULL DEFAULT gen_random_uuid();
-- The same of all that they hold.
ALTER TABLE rollup_clients ADD COLUMN open_revision uuid NOT NULL DEFAULT gen_random_uuid();

-- migrate:down

ALTER TABLE rollup_clients DROP COLUMN open_revision;
ALTER TABLE rollup_clients DROP COLUMN revision;
