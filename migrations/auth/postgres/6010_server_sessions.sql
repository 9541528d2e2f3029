-- The server-sessions profile: opaque sessions of several tenants, each signed with one of its
-- tenant's keys. A key cannot go while a session refers to it.

CREATE TABLE session_signing_keys (
    id text NOT NULL PRIMARY KEY,
    tenant_id text NOT NULL,
    algorithm text NOT NULL,
    public_key bytea NOT NULL,
    created_at timestamptz NOT NULL,
    activated_at timestamptz,
    retired_at timestamptz
);

CREATE TABLE sessions (
    id text NOT NULL PRIMARY KEY,
    tenant_id text NOT NULL,
    user_id text,
    signing_key_id text NOT NULL REFERENCES session_signing_keys (id) ON DELETE RESTRICT,
    is_pre_login boolean NOT NULL DEFAULT FALSE,
    risk_score numeric(4, 3) CHECK (risk_score BETWEEN 0 AND 1),
    ip_address text NOT NULL DEFAULT '',
    user_agent text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    last_active_at timestamptz NOT NULL,
    idle_expires_at timestamptz NOT NULL,
    absolute_expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);

CREATE INDEX session_signing_keys_tenant ON session_signing_keys (tenant_id);
CREATE INDEX session_signing_keys_retired_at ON session_signing_keys (retired_at) WHERE retired_at IS NOT NULL;
CREATE INDEX sessions_tenant_user ON sessions (tenant_id, user_id);
CREATE INDEX sessions_signing_key ON sessions (signing_key_id);
CREATE INDEX sessions_pre_login_created_at ON sessions (created_at) WHERE is_pre_login;
CREATE INDEX sessions_absolute_expires_at ON sessions (absolute_expires_at);
CREATE INDEX sessions_idle_expires_at ON sessions (idle_expires_at);
CREATE INDEX sessions_revoked_at ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX sessions_ip_last_active_at ON sessions (last_active_at) WHERE ip_address <> '';
