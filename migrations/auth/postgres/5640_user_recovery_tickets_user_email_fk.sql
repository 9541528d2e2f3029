-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS user_recovery_tickets_user_email_fk;
CREATE INDEX CONCURRENTLY user_recovery_tickets_user_email_fk ON user_recovery_tickets (user_email_id);
