-- Account recovery, registration, and the proof that an address belongs to somebody.

CREATE TABLE user_recovery_sessions (
    user_recovery_session_id uuid NOT NULL PRIMARY KEY,
    email text NOT NULL,
    user_agent text NOT NULL,
    ip_address inet,
    locale text NOT NULL,
    created_at timestamptz NOT NULL,
    consumed_at timestamptz
);

CREATE TABLE user_recovery_tickets (
    user_recovery_ticket_id uuid NOT NULL PRIMARY KEY,
    user_recovery_session_id uuid NOT NULL REFERENCES user_recovery_sessions (user_recovery_session_id) ON DELETE CASCADE,
    user_email_id uuid NOT NULL REFERENCES user_emails (user_email_id) ON DELETE CASCADE,
    ticket text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE TABLE user_email_authentications (
    user_email_authentication_id uuid NOT NULL PRIMARY KEY,
    user_session_id uuid REFERENCES user_sessions (user_session_id) ON DELETE SET NULL,
    email text NOT NULL,
    created_at timestamptz NOT NULL,
    completed_at timestamptz
);

CREATE TABLE user_email_authentication_codes (
    user_email_authentication_code_id uuid NOT NULL PRIMARY KEY,
    user_email_authentication_id uuid NOT NULL REFERENCES user_email_authentications (user_email_authentication_id) ON DELETE CASCADE,
    code text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT user_email_authentication_codes_auth_id_code_unique UNIQUE (user_email_authentication_id, code)
);

-- What somebody is given to register with where not everybody may.
CREATE TABLE user_registration_tokens (
    user_registration_token_id uuid NOT NULL PRIMARY KEY,
    token text NOT NULL UNIQUE,
    usage_limit integer,
    times_used integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz,
    expires_at timestamptz,
    revoked_at timestamptz
);

CREATE TABLE user_registrations (
    user_registration_id uuid NOT NULL PRIMARY KEY,
    ip_address inet,
    user_agent text,
    post_auth_action jsonb,
    username text NOT NULL,
    display_name text,
    terms_url text,
    email_authentication_id uuid REFERENCES user_email_authentications (user_email_authentication_id) ON DELETE SET NULL,
    hashed_password text,
    hashed_password_version integer,
    created_at timestamptz NOT NULL,
    completed_at timestamptz,
    user_registration_token_id uuid REFERENCES user_registration_tokens (user_registration_token_id) ON DELETE SET NULL,
    upstream_oauth_authorization_session_id uuid REFERENCES upstream_oauth_authorization_sessions (upstream_oauth_authorization_session_id) ON DELETE SET NULL
);

-- The two refer to each other: the proof of an address goes with the registration that it was asked for.
ALTER TABLE user_email_authentications
    ADD COLUMN user_registration_id uuid REFERENCES user_registrations (user_registration_id) ON DELETE CASCADE;
