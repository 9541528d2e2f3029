-- The server-sessions profile: opaque sessions of several tenants, each signed with one of its
-- tenant's keys. A key cannot go while a session refers to it; there is no index that would tell it which.

CREATE TABLE tenants (
    id text NOT NULL PRIMARY KEY
);

CREATE TABLE session_signing_keys (
    id text NOT NULL PRIMARY KEY,
    tenant_id text NOT NULL DEFAULT 't-default' REFERENCES tenants (id) ON DELETE CASCADE,
    key_material_encrypted bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz,
    CONSTRAINT session_signing_keys_retired_after_created CHECK (retired_at IS NULL OR retired_at >= created_at)
);

CREATE TABLE sessions (
    id text NOT NULL PRIMARY KEY,
    tenant_id text NOT NULL DEFAULT 't-default' REFERENCES tenants (id) ON DELETE CASCADE,
    actor_id text NOT NULL,
    actor_type text NOT NULL,
    signing_key_id text NOT NULL REFERENCES session_signing_keys (id) ON DELETE RESTRICT,
    is_pre_login boolean NOT NULL DEFAULT FALSE,
    csrf_token_hash text NOT NULL DEFAULT '',
    idle_expires_at timestamptz NOT NULL,
    absolute_expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    ip_address text NOT NULL DEFAULT '',
    user_agent text NOT NULL DEFAULT '',
    revoked_at timestamptz,
    CONSTRAINT sessions_absolute_after_idle CHECK (absolute_expires_at > idle_expires_at),
    CONSTRAINT sessions_idle_after_created CHECK (idle_expires_at > created_at)
);

CREATE INDEX idx_session_signing_keys_active ON session_signing_keys (tenant_id, created_at DESC) WHERE retired_at IS NULL;
CREATE INDEX idx_sessions_active ON sessions (id) WHERE revoked_at IS NULL;
CREATE INDEX idx_sessions_absolute_expires_at ON sessions (absolute_expires_at);
