-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS user_emails_user_fk;
CREATE INDEX CONCURRENTLY user_emails_user_fk ON user_emails (user_id);
