-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS oauth2_device_code_grants_client_fk;
CREATE INDEX CONCURRENTLY oauth2_device_code_grants_client_fk ON oauth2_device_code_grant (oauth2_client_id);
