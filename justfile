# The menu. Every step of CI is one recipe; what a step does stands in .ci/run, which needs no just.

# List the recipes
default:
    @just --list

# Everything that CI runs, with the minutes of each step
ci:
    bash .ci/run

# Check the formatting
fmt:
    bash .ci/run fmt

# Format the code
format:
    cargo fmt --all

# Lint everything, warnings are errors
clippy:
    bash .ci/run clippy

# All tests and doctests; PostgreSQL is started as needed, or BESOM_TEST_POSTGRES=URL is used
test:
    bash .ci/run test

# The tests of the service, the plugin store and the pooler, each database behind a real PgBouncer
pooler:
    BESOM_TEST_POOLER=1 cargo test -p besom-tests --test end_to_end -- service:: store:: pgbouncer::

# Only the doctests
doctest:
    cargo test --workspace --doc

# The demo, on SQLite in a temporary folder; `just demo --database postgres://…` for another
demo *ARGS:
    cargo run -- demo {{ ARGS }}

# Licences, advisories, bans and sources of the dependencies
deny:
    bash .ci/run deny

# Build the plugins alone, as components
plugins:
    cargo build --profile plugin --target wasm32-wasip2 --target-dir target/plugins -p besom-tokens -p besom-sessions -p besom-ips -p besom-queue -p besom-upstream-oauth -p besom-recovery

# The tables of docs/jobs.md, as the program prints them now
jobs-page:
    cargo run -q -- plugin jobs --markdown > target/jobs.md
    sed -i '/a test compares/q' docs/jobs.md
    (echo; cat target/jobs.md) >> docs/jobs.md

# The documentation of all our crates
doc:
    cargo doc --workspace --no-deps

# Three hosts, a writer, kills and reloads for ten minutes (`just soak 60` for one), and the invariants at the end
soak SECONDS="600":
    BESOM_SOAK_SECONDS={{ SECONDS }} cargo test -p besom-tests --test end_to_end service::soak -- --nocapture
