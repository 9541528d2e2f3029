-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS user_registration_tokens_last_used_at_idx;
CREATE INDEX CONCURRENTLY user_registration_tokens_last_used_at_idx ON user_registration_tokens (last_used_at);
