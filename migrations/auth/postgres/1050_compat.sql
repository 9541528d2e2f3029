-- Sessions of clients that log in the way Matrix did before OAuth 2.0.

CREATE TABLE compat_sessions (
    compat_session_id uuid NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (user_id),
    device_id text,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    is_synapse_admin boolean NOT NULL DEFAULT FALSE,
    last_active_at timestamptz,
    last_active_ip inet,
    -- 2010 makes it NO ACTION: a session forgot its browser session, and back-channel logout lost it.
    user_session_id uuid REFERENCES user_sessions (user_session_id) ON DELETE SET NULL,
    user_agent text,
    human_name text
);

-- Without expires_at: valid as long as its session.
CREATE TABLE compat_access_tokens (
    compat_access_token_id uuid NOT NULL PRIMARY KEY,
    compat_session_id uuid NOT NULL REFERENCES compat_sessions (compat_session_id),
    access_token text NOT NULL CONSTRAINT compat_access_tokens_access_token_unique UNIQUE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz
);

CREATE TABLE compat_refresh_tokens (
    compat_refresh_token_id uuid NOT NULL PRIMARY KEY,
    compat_session_id uuid NOT NULL REFERENCES compat_sessions (compat_session_id),
    compat_access_token_id uuid NOT NULL REFERENCES compat_access_tokens (compat_access_token_id),
    refresh_token text NOT NULL CONSTRAINT compat_refresh_tokens_refresh_token_unique UNIQUE,
    created_at timestamptz NOT NULL,
    consumed_at timestamptz
);

CREATE TABLE compat_sso_logins (
    compat_sso_login_id uuid NOT NULL PRIMARY KEY,
    redirect_uri text NOT NULL,
    login_token text NOT NULL CONSTRAINT compat_sessions_login_token_unique UNIQUE,
    compat_session_id uuid REFERENCES compat_sessions (compat_session_id) ON DELETE SET NULL,
    created_at timestamptz NOT NULL,
    fulfilled_at timestamptz,
    exchanged_at timestamptz,
    user_session_id uuid REFERENCES user_sessions (user_session_id) ON DELETE CASCADE
);
