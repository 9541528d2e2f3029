-- Sessions of clients that log in the way Matrix did before OAuth 2.0.

CREATE TABLE compat_sessions (
    compat_session_id uuid NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    -- 2010 makes it NO ACTION: a session forgot its browser session, and back-channel logout lost it.
    user_session_id uuid REFERENCES user_sessions (user_session_id) ON DELETE SET NULL,
    device_id text,
    human_name text,
    is_synapse_admin boolean NOT NULL DEFAULT FALSE,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    user_agent text,
    last_active_at timestamptz,
    last_active_ip inet
);

-- Without expires_at: valid as long as its session.
CREATE TABLE compat_access_tokens (
    compat_access_token_id uuid NOT NULL PRIMARY KEY,
    compat_session_id uuid NOT NULL REFERENCES compat_sessions (compat_session_id),
    access_token text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz
);

CREATE TABLE compat_refresh_tokens (
    compat_refresh_token_id uuid NOT NULL PRIMARY KEY,
    compat_session_id uuid NOT NULL REFERENCES compat_sessions (compat_session_id),
    compat_access_token_id uuid NOT NULL REFERENCES compat_access_tokens (compat_access_token_id),
    refresh_token text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL,
    consumed_at timestamptz
);

CREATE TABLE compat_sso_logins (
    compat_sso_login_id uuid NOT NULL PRIMARY KEY,
    compat_session_id uuid REFERENCES compat_sessions (compat_session_id),
    login_token text NOT NULL UNIQUE,
    redirect_uri text NOT NULL,
    created_at timestamptz NOT NULL,
    fulfilled_at timestamptz,
    exchanged_at timestamptz
);
