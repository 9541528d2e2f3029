-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS user_passwords_upgraded_from;
CREATE INDEX CONCURRENTLY user_passwords_upgraded_from ON user_passwords (upgraded_from_id);
