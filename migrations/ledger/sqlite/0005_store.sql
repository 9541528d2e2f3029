-- The plugin store: versions of plugins, and which of them the hosts run. Nothing here is trusted: a
-- component is held against its digest, the operator's policy and the grant whenever it is loaded.

CREATE TABLE besom_component (
    digest    TEXT PRIMARY KEY NOT NULL,
    bytes     BLOB NOT NULL,
    name      TEXT NOT NULL,
    version   TEXT NOT NULL,
    -- Over digest, name and version; NULL where nobody signed.
    signature TEXT,
    key       TEXT,
    stored_by TEXT NOT NULL,
    origin    TEXT NOT NULL,
    stored_at INTEGER NOT NULL
) STRICT;
CREATE INDEX besom_component_name ON besom_component (name, version);

-- What the hosts run, by digest. NULL in active: what the binary embeds.
CREATE TABLE besom_deployment (
    plugin      TEXT PRIMARY KEY NOT NULL,
    -- Raised by every change; who changes the row says which he has seen.
    counter     INTEGER NOT NULL,
    active      TEXT,
    previous    TEXT,
    -- Active as soon as every host that is there has it ready.
    staged      TEXT,
    -- Asks for more than it is granted, or waits for a pin to be lifted; why, in words.
    pending     TEXT,
    pending_why TEXT,
    -- Counted beside the active version, changing nothing, for so many runs.
    shadow      TEXT,
    shadow_runs INTEGER NOT NULL DEFAULT 0,
    pinned      INTEGER NOT NULL DEFAULT 0,
    changed_by  TEXT NOT NULL,
    changed_at  INTEGER NOT NULL
) STRICT;

-- What each host made of a version.
CREATE TABLE besom_generation (
    host   TEXT NOT NULL,
    plugin TEXT NOT NULL,
    digest TEXT NOT NULL,
    state  TEXT NOT NULL CHECK (state IN ('ready', 'failed', 'running')),
    why    TEXT,
    at     INTEGER NOT NULL,
    PRIMARY KEY (host, plugin, digest)
) STRICT;

-- Crashes of a job on a version, one after the other.
CREATE TABLE besom_quarantine (
    digest  TEXT NOT NULL,
    plugin  TEXT NOT NULL,
    job     TEXT NOT NULL,
    strikes INTEGER NOT NULL,
    why     TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (digest, plugin, job)
) STRICT;

-- Who did what to which version, and what came of it.
CREATE TABLE besom_audit (
    id      TEXT PRIMARY KEY NOT NULL,
    at      INTEGER NOT NULL,
    by      TEXT NOT NULL,
    origin  TEXT NOT NULL,
    action  TEXT NOT NULL,
    plugin  TEXT NOT NULL,
    version TEXT,
    digest  TEXT,
    outcome TEXT NOT NULL,
    why     TEXT
) STRICT;
CREATE INDEX besom_audit_plugin ON besom_audit (plugin, at);
