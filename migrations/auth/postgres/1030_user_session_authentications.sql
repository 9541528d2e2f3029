-- How, and how often, a browser session was authenticated.

CREATE TABLE user_session_authentications (
    user_session_authentication_id uuid NOT NULL PRIMARY KEY,
    user_session_id uuid NOT NULL REFERENCES user_sessions (user_session_id),
    created_at timestamptz NOT NULL,
    user_password_id uuid REFERENCES user_passwords (user_password_id) ON DELETE SET NULL,
    upstream_oauth_authorization_session_id uuid REFERENCES upstream_oauth_authorization_sessions (upstream_oauth_authorization_session_id) ON DELETE SET NULL
);
