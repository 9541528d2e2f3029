-- What verification found of each sweep, as JSON: how many rows are left, and why.

ALTER TABLE besom_run ADD COLUMN remains text NOT NULL DEFAULT '[]';
