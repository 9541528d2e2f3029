-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS user_email_authentications_registration;
CREATE INDEX CONCURRENTLY user_email_authentications_registration ON user_email_authentications (user_registration_id);
