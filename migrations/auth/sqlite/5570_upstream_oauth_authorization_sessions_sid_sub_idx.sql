CREATE INDEX upstream_oauth_authorization_sessions_sid_sub_idx ON upstream_oauth_authorization_sessions (upstream_oauth_provider_id, (id_token_claims ->> 'sid'), (id_token_claims ->> 'sub'));
