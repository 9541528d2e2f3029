-- Sessions of clients that log in the way Matrix did before OAuth 2.0.

CREATE TABLE compat_sessions (
    compat_session_id BLOB NOT NULL PRIMARY KEY CHECK (length(compat_session_id) = 16),
    user_id BLOB NOT NULL CHECK (length(user_id) = 16) REFERENCES users (user_id),
    device_id TEXT,
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    is_synapse_admin INTEGER NOT NULL DEFAULT FALSE CHECK (is_synapse_admin IN (0, 1)),
    last_active_at INTEGER,
    last_active_ip TEXT,
    user_session_id BLOB CHECK (length(user_session_id) = 16) REFERENCES user_sessions (user_session_id),
    user_agent TEXT,
    human_name TEXT
) STRICT;

-- Without expires_at: valid as long as its session.
CREATE TABLE compat_access_tokens (
    compat_access_token_id BLOB NOT NULL PRIMARY KEY CHECK (length(compat_access_token_id) = 16),
    compat_session_id BLOB NOT NULL CHECK (length(compat_session_id) = 16) REFERENCES compat_sessions (compat_session_id),
    access_token TEXT NOT NULL CONSTRAINT compat_access_tokens_access_token_unique UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;

CREATE TABLE compat_refresh_tokens (
    compat_refresh_token_id BLOB NOT NULL PRIMARY KEY CHECK (length(compat_refresh_token_id) = 16),
    compat_session_id BLOB NOT NULL CHECK (length(compat_session_id) = 16) REFERENCES compat_sessions (compat_session_id),
    compat_access_token_id BLOB NOT NULL CHECK (length(compat_access_token_id) = 16) REFERENCES compat_access_tokens (compat_access_token_id),
    refresh_token TEXT NOT NULL CONSTRAINT compat_refresh_tokens_refresh_token_unique UNIQUE,
    created_at INTEGER NOT NULL,
    consumed_at INTEGER
) STRICT;

CREATE TABLE compat_sso_logins (
    compat_sso_login_id BLOB NOT NULL PRIMARY KEY CHECK (length(compat_sso_login_id) = 16),
    redirect_uri TEXT NOT NULL,
    login_token TEXT NOT NULL CONSTRAINT compat_sessions_login_token_unique UNIQUE,
    compat_session_id BLOB CHECK (length(compat_session_id) = 16) REFERENCES compat_sessions (compat_session_id) ON DELETE SET NULL,
    created_at INTEGER NOT NULL,
    fulfilled_at INTEGER,
    exchanged_at INTEGER,
    user_session_id BLOB CHECK (length(user_session_id) = 16) REFERENCES user_sessions (user_session_id) ON DELETE CASCADE
) STRICT;
