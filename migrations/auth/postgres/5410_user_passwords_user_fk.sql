-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS user_passwords_user_fk;
CREATE INDEX CONCURRENTLY user_passwords_user_fk ON user_passwords (user_id);
