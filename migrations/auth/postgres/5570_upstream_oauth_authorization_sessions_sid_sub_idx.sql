-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS upstream_oauth_authorization_sessions_sid_sub_idx;
CREATE INDEX CONCURRENTLY upstream_oauth_authorization_sessions_sid_sub_idx ON upstream_oauth_authorization_sessions (upstream_oauth_provider_id, (id_token_claims ->> 'sid'), (id_token_claims ->> 'sub'));
