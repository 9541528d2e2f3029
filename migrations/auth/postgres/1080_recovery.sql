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
    ticket text NOT NULL UNIQUE,
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
    user_email_authentication_id uuid NOT NULL REFERENCES user_email_authentications (user_email_authentication_id),
    code text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    UNIQUE (user_email_authentication_id, code)
);

CREATE TABLE user_registrations (
    user_registration_id uuid NOT NULL PRIMARY KEY,
    username text NOT NULL,
    display_name text,
    terms_url text,
    email_authentication_id uuid REFERENCES user_email_authentications (user_email_authentication_id) ON DELETE SET NULL,
    hashed_password text,
    hashed_password_version integer,
    post_auth_action jsonb,
    ip_address inet,
    user_agent text,
    created_at timestamptz NOT NULL,
    completed_at timestamptz
);

-- The two refer to each other: an address may be proven for a registration.
ALTER TABLE user_email_authentications
    ADD COLUMN user_registration_id uuid REFERENCES user_registrations (user_registration_id) ON DELETE SET NULL;
