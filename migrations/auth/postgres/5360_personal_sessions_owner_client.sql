-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS personal_sessions_owner_client;
CREATE INDEX CONCURRENTLY personal_sessions_owner_client ON personal_sessions (owner_oauth2_client_id);
