-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS oauth2_device_code_grant_client;
CREATE INDEX CONCURRENTLY oauth2_device_code_grant_client ON oauth2_device_code_grant (oauth2_client_id);
