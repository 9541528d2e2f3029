-- What preflight noticed before the run, as JSON, the errors that the operator tolerated among it; and
-- the blocked rows by the table whose rows hold them.

ALTER TABLE besom_run ADD COLUMN findings TEXT NOT NULL DEFAULT '[]';
ALTER TABLE besom_run ADD COLUMN blocked_by TEXT NOT NULL DEFAULT '{}';
