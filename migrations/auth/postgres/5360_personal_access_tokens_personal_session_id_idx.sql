-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS personal_access_tokens_personal_session_id_idx;
CREATE UNIQUE INDEX CONCURRENTLY personal_access_tokens_personal_session_id_idx ON personal_access_tokens (personal_session_id) WHERE revoked_at IS NULL;
