-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS user_registrations_email_authentication_fk;
CREATE INDEX CONCURRENTLY user_registrations_email_authentication_fk ON user_registrations (email_authentication_id);
