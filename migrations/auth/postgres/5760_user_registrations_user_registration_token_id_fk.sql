-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS user_registrations_user_registration_token_id_fk;
CREATE INDEX CONCURRENTLY user_registrations_user_registration_token_id_fk ON user_registrations (user_registration_token_id);
