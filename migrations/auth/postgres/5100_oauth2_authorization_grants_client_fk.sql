-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS oauth2_authorization_grants_client_fk;
CREATE INDEX CONCURRENTLY oauth2_authorization_grants_client_fk ON oauth2_authorization_grants (oauth2_client_id);
