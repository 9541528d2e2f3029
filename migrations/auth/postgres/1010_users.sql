-- Accounts, their passwords and addresses, and the browser sessions that they log in with.

CREATE TABLE users (
    user_id uuid NOT NULL PRIMARY KEY,
    username text NOT NULL CONSTRAINT users_username_unique UNIQUE,
    created_at timestamptz NOT NULL,
    locked_at timestamptz,
    can_request_admin boolean NOT NULL DEFAULT FALSE,
    is_guest boolean NOT NULL DEFAULT FALSE,
    deactivated_at timestamptz
);

CREATE TABLE user_passwords (
    user_password_id uuid NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (user_id),
    hashed_password text NOT NULL,
    created_at timestamptz NOT NULL,
    version integer NOT NULL,
    upgraded_from_id uuid REFERENCES user_passwords (user_password_id) ON DELETE SET NULL
);

CREATE TABLE user_emails (
    user_email_id uuid NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    email text NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE user_sessions (
    user_session_id uuid NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (user_id),
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    user_agent text,
    last_active_at timestamptz,
    last_active_ip inet
);
