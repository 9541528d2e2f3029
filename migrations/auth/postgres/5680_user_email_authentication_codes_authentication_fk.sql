-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS user_email_authentication_codes_authentication_fk;
CREATE INDEX CONCURRENTLY user_email_authentication_codes_authentication_fk ON user_email_authentication_codes (user_email_authentication_id);
