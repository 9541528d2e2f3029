-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS users_lower_username_idx;
CREATE INDEX CONCURRENTLY users_lower_username_idx ON users (lower(username));
