-- Back-channel logout walks from an upstream authorization session to the user session that it
-- opened, so it keeps a pointer of its own. Without a default no row is written; with NOT VALID none is
-- looked at.

SET LOCAL lock_timeout = '200ms';

ALTER TABLE upstream_oauth_authorization_sessions
    ADD COLUMN user_session_id uuid,
    ADD CONSTRAINT upstream_oauth_authorization_sessions_user_session_id_fkey
        FOREIGN KEY (user_session_id) REFERENCES user_sessions (user_session_id) ON DELETE SET NULL NOT VALID;
