-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS personal_access_tokens_session;
CREATE INDEX CONCURRENTLY personal_access_tokens_session ON personal_access_tokens (personal_session_id);
