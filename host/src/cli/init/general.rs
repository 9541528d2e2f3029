//! The parts of a fresh file that are about no bundled plugin.

use crate::config::{
    DEFAULT_BATCH_SIZE, DEFAULT_CONCURRENCY, DEFAULT_DEADLINE, DEFAULT_LEASE, DEFAULT_LOCK_TIMEOUT,
    DEFAULT_LOOK_EVERY, DEFAULT_MAX_CONNECTIONS, DEFAULT_MAX_ROWS, DEFAULT_RETRIES,
    DEFAULT_RETRY_AFTER, DEFAULT_STATEMENT_TIMEOUT, ENVIRONMENT_VARIABLE, HttpConfig, LedgerConfig,
    URL_VARIABLE,
};

/// Everything before the plugins, every default as a comment.
pub(super) fn head() -> String {
    /// Seconds.
    const DAY: u64 = 24 * 60 * 60;
    let time = humantime::format_duration;
    let listen = HttpConfig::default().listen;
    format!(
        "\
# What besom may clean, and how. Remove the `#` before a key to change its value from the default
# that it shows. In every string ${{NAME}} is an environment variable, ${{NAME:-x}} one with a
# default, $$ a dollar sign. `besom check` says whether everything fits the database.

[database]
# postgres://user:password@host/database, or sqlite://path (from the working folder).
# {URL_VARIABLE} in the environment wins over this line.
url = \"${{DATABASE_URL:-sqlite://besom.db}}\"
# How long a batch waits for a lock of besom's own rows.
#lock-timeout = \"{lock}\"
# No statement runs longer.
#statement-timeout = \"{statement}\"
#max-connections = {DEFAULT_MAX_CONNECTIONS}
# \"transaction\" where PgBouncer or another pooler stands before PostgreSQL.
#pooler = \"none\"
# In which zone the applications write PostgreSQL's `timestamp` and `date`, which hold none: without
# a default, such as time-zone = \"UTC\".

# For every job; a plugin or a job may say otherwise.
[defaults]
# Rows that one transaction deletes at most, 1 to 10000.
#batch-size = {DEFAULT_BATCH_SIZE}
# After this time, or so many rows, a run is suspended; the rest is left to the next run.
#deadline = \"{deadline}\"
#max-rows-per-run = {rows}
# The largest part of a table that a run may change: 0.2 is a fifth. By default all of it.
#max-fraction = 0.2
# No retention may be shorter than this, whoever gives it. By default there is no such floor.
#min-retention = \"1h\"
# The zone that schedules are read in.
#timezone = \"UTC\"
# Codes of findings that do not keep a job from running.
#tolerate = []
# Under a plugin or a job, `false` leaves its jobs out.
#enabled = true
# At most so much later than it is due a run begins.
#jitter = \"0s\"
# When runs may be under way, by default always, and the days on which that begins.
#window = \"22:00-06:00\"
#days = \"mon-sun\"
# After due times that were missed: one run (`once`), or none (`skip`).
#catch-up = \"once\"
# Further attempts at a run that failed, and the wait before the first; each is twice as long.
#retries = {DEFAULT_RETRIES}
#retry-after = \"{retry}\"
# When another version of the plugin takes over, runs under way end on theirs (`drain`), or stop
# after their batch in hand and begin anew on the other (`handover`).
#on-upgrade = \"drain\"

[schedule]
# Environments in which no job runs, compared with {ENVIRONMENT_VARIABLE}. By default there is none.
#skip-in = [\"test\"]
# How often `besom serve` looks whether every job could run.
#look-every = \"{look}\"

[host]
# The name under which this process holds runs; by default the machine's name and the process id.
#name = \"cleaner-1\"
# A process that stops for longer than this loses its runs to others.
#lease = \"{lease}\"
# The folder for compiled plugins; by default one in the user's cache folder.
#cache = \"/var/cache/besom\"
# Runs that `besom serve` has under way at once; each needs a connection, and two are besom's own.
#concurrency = {DEFAULT_CONCURRENCY}

# Where `besom serve` answers over HTTP.
[http]
# An address that other machines reach needs a token. \"off\": nowhere.
#listen = \"{listen}\"
# `token = \"${{BESOM_TOKEN}}\"` takes from the environment what a client must show, 16 or more
# characters. Without a token this machine alone may ask.

[ledger]
# `besom serve` removes runs that ended longer ago from besom's own tables.
#keep = \"{keep}d\"

[log]
# \"text\" for people, \"json\" for programs.
#format = \"text\"
# The URL of an OpenTelemetry collector for spans, such as http://127.0.0.1:4318.
#otlp = \"off\"

[store]
# Which versions that were installed in the database run: off, pinned, signed or any. By default
# any on SQLite, signed otherwise.
#install = \"signed\"
# Public keys that such a version is signed by, as `besom plugin keygen` prints them.
#trusted-keys = []

# How columns that are not of a time type hold a time, where besom should not find out by looking:
# unix-s, unix-ms, unix-us, unix-ns, rfc3339, sql-text, date or local:ZONE. And \"value\" for columns
# without times, in which 0 or an empty text is a value like any other where a job asks for NULL.
[time-forms]
#\"audit_log.created_at\" = \"unix-ms\"
",
        lock = time(DEFAULT_LOCK_TIMEOUT),
        statement = time(DEFAULT_STATEMENT_TIMEOUT),
        deadline = time(DEFAULT_DEADLINE),
        lease = time(DEFAULT_LEASE),
        look = time(DEFAULT_LOOK_EVERY),
        keep = LedgerConfig::default().keep.as_secs() / DAY,
        listen = listen.map_or_else(|| "off".to_owned(), |address| address.to_string()),
        rows = DEFAULT_MAX_ROWS,
        retry = time(DEFAULT_RETRY_AFTER),
    )
}

/// An example of a plugin that is not bundled.
pub(super) const THIRD_PARTY: &str = "
# A plugin from elsewhere may touch what its grants say, and nothing else.
#[plugins.acme-audit]
#component = \"plugins/acme-audit.wasm\"
#[plugins.acme-audit.grant.audit_log]
#read = [\"id\", \"created_at\"]
#delete = true
# No row younger than this is ever changed, nor one with another value.
#min-age = { column = \"created_at\", age = \"90d\" }
#where = { tenant_id = \"t-1\" }
";
