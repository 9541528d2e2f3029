-- Back-channel logout walks from an upstream authorization session to the user session that it
-- opened, so it keeps a pointer of its own.

ALTER TABLE upstream_oauth_authorization_sessions
    ADD COLUMN user_session_id uuid REFERENCES user_sessions (user_session_id) ON DELETE SET NULL;
