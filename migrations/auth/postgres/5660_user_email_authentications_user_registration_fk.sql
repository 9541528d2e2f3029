-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS user_email_authentications_user_registration_fk;
CREATE INDEX CONCURRENTLY user_email_authentications_user_registration_fk ON user_email_authentications (user_registration_id);
