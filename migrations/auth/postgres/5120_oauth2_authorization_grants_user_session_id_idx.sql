-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS oauth2_authorization_grants_user_session_id_idx;
CREATE INDEX CONCURRENTLY oauth2_authorization_grants_user_session_id_idx ON oauth2_authorization_grants (user_session_id);
