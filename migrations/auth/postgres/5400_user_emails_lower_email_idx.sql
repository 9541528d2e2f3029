-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS user_emails_lower_email_idx;
CREATE INDEX CONCURRENTLY user_emails_lower_email_idx ON user_emails (lower(email));
