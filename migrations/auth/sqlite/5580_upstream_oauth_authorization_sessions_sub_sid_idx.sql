CREATE INDEX upstream_oauth_authorization_sessions_sub_sid_idx ON upstream_oauth_authorization_sessions (upstream_oauth_provider_id, (id_token_claims ->> 'sub'), (id_token_claims ->> 'sid'));
