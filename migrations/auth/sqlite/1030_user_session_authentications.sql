-- How, and how often, a browser session was authenticated.

CREATE TABLE user_session_authentications (
    user_session_authentication_id BLOB NOT NULL PRIMARY KEY CHECK (length(user_session_authentication_id) = 16),
    user_session_id BLOB NOT NULL CHECK (length(user_session_id) = 16) REFERENCES user_sessions (user_session_id),
    created_at INTEGER NOT NULL,
    user_password_id BLOB CHECK (length(user_password_id) = 16) REFERENCES user_passwords (user_password_id) ON DELETE SET NULL,
    upstream_oauth_authorization_session_id BLOB CHECK (length(upstream_oauth_authorization_session_id) = 16) REFERENCES upstream_oauth_authorization_sessions (upstream_oauth_authorization_session_id) ON DELETE SET NULL
) STRICT;
