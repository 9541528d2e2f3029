-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS user_registration_tokens_usage_limit_idx;
CREATE INDEX CONCURRENTLY user_registration_tokens_usage_limit_idx ON user_registration_tokens (usage_limit);
