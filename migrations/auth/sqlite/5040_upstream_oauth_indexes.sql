-- For the upstream-oauth jobs, which go by the time inside the key, and their foreign keys.

CREATE INDEX upstream_oauth_authorization_sessions_provider ON upstream_oauth_authorization_sessions (upstream_oauth_provider_id);
CREATE INDEX upstream_oauth_authorization_sessions_link ON upstream_oauth_authorization_sessions (upstream_oauth_link_id);
CREATE INDEX upstream_oauth_authorization_sessions_user_session ON upstream_oauth_authorization_sessions (user_session_id);
CREATE INDEX upstream_oauth_authorization_sessions_orphaned ON upstream_oauth_authorization_sessions (upstream_oauth_authorization_session_id) WHERE user_session_id IS NULL;
CREATE INDEX upstream_oauth_links_user ON upstream_oauth_links (user_id);
CREATE INDEX upstream_oauth_links_orphaned ON upstream_oauth_links (upstream_oauth_link_id) WHERE user_id IS NULL;
