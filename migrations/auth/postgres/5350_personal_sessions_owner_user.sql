-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS personal_sessions_owner_user;
CREATE INDEX CONCURRENTLY personal_sessions_owner_user ON personal_sessions (owner_user_id);
