-- The plugin store: versions of plugins, and which of them the hosts run. Nothing here is trusted: a
-- component is held against its digest, the operator's policy and the grant whenever it is loaded.

CREATE TABLE besom_component (
    digest    text PRIMARY KEY,
    bytes     bytea NOT NULL,
    name      text NOT NULL,
    version   text NOT NULL,
    -- Over digest, name and version; NULL where nobody signed.
    signature text,
    key       text,
    stored_by text NOT NULL,
    origin    text NOT NULL,
    stored_at timestamptz NOT NULL
);
CREATE INDEX besom_component_name ON besom_component (name, version);

-- What the hosts run, by digest. NULL in active: what the binary embeds.
CREATE TABLE besom_deployment (
    plugin      text PRIMARY KEY,
    -- Raised by every change; who changes the row says which he has seen.
    counter     bigint NOT NULL,
    active      text,
    previous    text,
    -- Active as soon as every host that is there has it ready.
    staged      text,
    -- Asks for more than it is granted, or waits for a pin to be lifted; why, in words.
    pending     text,
    pending_why text,
    -- Counted beside the active version, changing nothing, for so many runs.
    shadow      text,
    shadow_runs integer NOT NULL DEFAULT 0,
    pinned      boolean NOT NULL DEFAULT false,
    changed_by  text NOT NULL,
    changed_at  timestamptz NOT NULL
);

-- What each host made of a version.
CREATE TABLE besom_generation (
    host   text NOT NULL,
    plugin text NOT NULL,
    digest text NOT NULL,
    state  text NOT NULL CHECK (state IN ('ready', 'failed', 'running')),
    why    text,
    at     timestamptz NOT NULL,
    PRIMARY KEY (host, plugin, digest)
);

-- Crashes of a job on a version, one after the other.
CREATE TABLE besom_quarantine (
    digest  text NOT NULL,
    plugin  text NOT NULL,
    job     text NOT NULL,
    strikes integer NOT NULL,
    why     text NOT NULL,
    at      timestamptz NOT NULL,
    PRIMARY KEY (digest, plugin, job)
);

-- Who did what to which version, and what came of it.
CREATE TABLE besom_audit (
    id      uuid PRIMARY KEY,
    at      timestamptz NOT NULL,
    by      text NOT NULL,
    origin  text NOT NULL,
    action  text NOT NULL,
    plugin  text NOT NULL,
    version text,
    digest  text,
    outcome text NOT NULL,
    why     text
);
CREATE INDEX besom_audit_plugin ON besom_audit (plugin, at);
