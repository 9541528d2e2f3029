-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS user_session_authentications_user_password_fk;
CREATE INDEX CONCURRENTLY user_session_authentications_user_password_fk ON user_session_authentications (user_password_id);
