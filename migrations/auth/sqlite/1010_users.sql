-- Accounts, their passwords and addresses, and the browser sessions that they log in with.

CREATE TABLE users (
    user_id BLOB NOT NULL PRIMARY KEY CHECK (length(user_id) = 16),
    username TEXT NOT NULL CONSTRAINT users_username_unique UNIQUE,
    created_at INTEGER NOT NULL,
    locked_at INTEGER,
    can_request_admin INTEGER NOT NULL DEFAULT FALSE CHECK (can_request_admin IN (0, 1)),
    is_guest INTEGER NOT NULL DEFAULT FALSE CHECK (is_guest IN (0, 1)),
    deactivated_at INTEGER
) STRICT;

CREATE TABLE user_passwords (
    user_password_id BLOB NOT NULL PRIMARY KEY CHECK (length(user_password_id) = 16),
    user_id BLOB NOT NULL CHECK (length(user_id) = 16) REFERENCES users (user_id),
    hashed_password TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    upgraded_from_id BLOB CHECK (length(upgraded_from_id) = 16) REFERENCES user_passwords (user_password_id) ON DELETE SET NULL
) STRICT;

CREATE TABLE user_emails (
    user_email_id BLOB NOT NULL PRIMARY KEY CHECK (length(user_email_id) = 16),
    user_id BLOB NOT NULL CHECK (length(user_id) = 16) REFERENCES users (user_id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE user_sessions (
    user_session_id BLOB NOT NULL PRIMARY KEY CHECK (length(user_session_id) = 16),
    user_id BLOB NOT NULL CHECK (length(user_id) = 16) REFERENCES users (user_id),
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    user_agent TEXT,
    last_active_at INTEGER,
    last_active_ip TEXT
) STRICT;
