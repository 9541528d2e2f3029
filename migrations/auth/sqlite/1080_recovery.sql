-- Account recovery, registration, and the proof that an address belongs to somebody.

CREATE TABLE user_recovery_sessions (
    user_recovery_session_id BLOB NOT NULL PRIMARY KEY CHECK (length(user_recovery_session_id) = 16),
    email TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    ip_address TEXT,
    locale TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    consumed_at INTEGER
) STRICT;

CREATE TABLE user_recovery_tickets (
    user_recovery_ticket_id BLOB NOT NULL PRIMARY KEY CHECK (length(user_recovery_ticket_id) = 16),
    user_recovery_session_id BLOB NOT NULL CHECK (length(user_recovery_session_id) = 16) REFERENCES user_recovery_sessions (user_recovery_session_id) ON DELETE CASCADE,
    user_email_id BLOB NOT NULL CHECK (length(user_email_id) = 16) REFERENCES user_emails (user_email_id) ON DELETE CASCADE,
    ticket TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE user_email_authentications (
    user_email_authentication_id BLOB NOT NULL PRIMARY KEY CHECK (length(user_email_authentication_id) = 16),
    user_session_id BLOB CHECK (length(user_session_id) = 16) REFERENCES user_sessions (user_session_id) ON DELETE SET NULL,
    email TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    completed_at INTEGER
) STRICT;

CREATE TABLE user_email_authentication_codes (
    user_email_authentication_code_id BLOB NOT NULL PRIMARY KEY CHECK (length(user_email_authentication_code_id) = 16),
    user_email_authentication_id BLOB NOT NULL CHECK (length(user_email_authentication_id) = 16) REFERENCES user_email_authentications (user_email_authentication_id) ON DELETE CASCADE,
    code TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    CONSTRAINT user_email_authentication_codes_auth_id_code_unique UNIQUE (user_email_authentication_id, code)
) STRICT;

-- What somebody is given to register with where not everybody may.
CREATE TABLE user_registration_tokens (
    user_registration_token_id BLOB NOT NULL PRIMARY KEY CHECK (length(user_registration_token_id) = 16),
    token TEXT NOT NULL UNIQUE,
    usage_limit INTEGER,
    times_used INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;

CREATE TABLE user_registrations (
    user_registration_id BLOB NOT NULL PRIMARY KEY CHECK (length(user_registration_id) = 16),
    ip_address TEXT,
    user_agent TEXT,
    post_auth_action TEXT CHECK (json_valid(post_auth_action)),
    username TEXT NOT NULL,
    display_name TEXT,
    terms_url TEXT,
    email_authentication_id BLOB CHECK (length(email_authentication_id) = 16) REFERENCES user_email_authentications (user_email_authentication_id) ON DELETE SET NULL,
    hashed_password TEXT,
    hashed_password_version INTEGER,
    created_at INTEGER NOT NULL,
    completed_at INTEGER,
    user_registration_token_id BLOB CHECK (length(user_registration_token_id) = 16) REFERENCES user_registration_tokens (user_registration_token_id) ON DELETE SET NULL,
    upstream_oauth_authorization_session_id BLOB CHECK (length(upstream_oauth_authorization_session_id) = 16) REFERENCES upstream_oauth_authorization_sessions (upstream_oauth_authorization_session_id) ON DELETE SET NULL
) STRICT;

-- The two refer to each other: the proof of an address goes with the registration that it was asked for.
ALTER TABLE user_email_authentications
    ADD COLUMN user_registration_id BLOB CHECK (length(user_registration_id) = 16) REFERENCES user_registrations (user_registration_id) ON DELETE CASCADE;
