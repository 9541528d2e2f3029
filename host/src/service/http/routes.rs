//! Every route, once: the router and the OpenAPI document are made from this table.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::routing::{MethodRouter, get, post};
use serde_json::{Value, json};

use super::super::Shared;
use super::{jobs, plugins, runs, state};

/// One route.
pub(super) struct Route {
    /// As axum and OpenAPI both write it.
    pub(super) path: &'static str,
    pub(super) about: &'static str,
    /// It asks for no token.
    pub(super) open: bool,
    /// What it takes in the path and the query: name, place, description.
    pub(super) takes: &'static [(&'static str, &'static str, &'static str)],
    /// Its body; `None`: it is a GET.
    pub(super) body: Option<Body>,
    /// The status of a good answer, and what it says.
    pub(super) answer: (u16, &'static str),
    handler: fn() -> MethodRouter<Arc<Shared>>,
}

/// What a POST takes.
pub(super) enum Body {
    /// An object with these properties.
    Json(fn() -> Value),
    /// A component.
    Component,
    /// Nothing.
    Nothing,
}

/// As large as a component may be.
const COMPONENT_BYTES: usize = 32 << 20;

impl Route {
    pub(super) fn method_router(&self) -> MethodRouter<Arc<Shared>> {
        (self.handler)()
    }
}

/// Whether a path asks for no token.
pub(super) fn is_open(path: &str) -> bool {
    all().iter().any(|route| route.open && route.path == path)
}

const GET: Route = Route {
    path: "",
    about: "",
    open: false,
    takes: &[],
    body: None,
    answer: (200, ""),
    handler: MethodRouter::new,
};

/// The table.
pub(super) fn all() -> [Route; 15] {
    [
        Route {
            path: "/healthz",
            about: "Whether the process does its rounds",
            open: true,
            answer: (
                200,
                "It does; 503 where it has been silent for half a minute",
            ),
            handler: || get(state::healthz),
            ..GET
        },
        Route {
            path: "/readyz",
            about: "Whether jobs can run: the ledger answers and every plugin is loaded",
            open: true,
            answer: (
                200,
                "They can, all but those in `refused` (`job`, and the `codes` of what stands in its way) and in `absent` (names of jobs that have nothing to do on this database); 503 with the \
                 reasons in `why`",
            ),
            handler: || get(state::readyz),
            ..GET
        },
        Route {
            path: "/metrics",
            about: "Metrics in the OpenMetrics text format",
            answer: (200, "Text"),
            handler: || get(state::metrics),
            ..GET
        },
        Route {
            path: "/v1/openapi.json",
            about: "This document",
            answer: (200, "OpenAPI 3.1"),
            handler: || get(state::openapi),
            ..GET
        },
        Route {
            path: "/v1/hosts",
            about: "The hosts that share the database",
            answer: (
                200,
                "An array of hosts with `name`, `version`, `started`, `seen`, `alive`",
            ),
            handler: || get(state::hosts),
            ..GET
        },
        Route {
            path: "/v1/plugins",
            about: "The plugins loaded on this host",
            answer: (
                200,
                "An array of plugins with `name`, `version`, `digest`, `contract`, `about`, `jobs`",
            ),
            handler: || get(plugins::list),
            ..GET
        },
        Route {
            path: "/v1/jobs",
            about: "Every job that runs by itself: when it is due, whether it waits, runs or is paused, and whether it could run",
            answer: (
                200,
                "An array of jobs with `job`, `about`, `schedule`, `timezone`, `next`, `waiting`, `running`, `paused`, \
                 `runnable`, `refused` (`since`, `codes`, `why`, `findings`, `allowed_by`), `absent` and `last`",
            ),
            handler: || get(jobs::list),
            ..GET
        },
        Route {
            path: "/v1/runs",
            about: "The latest runs, newest first",
            takes: &[
                ("job", "query", "Only this job's, as `plugin/job`"),
                ("limit", "query", "How many, 1 to 1000; 20 without it"),
            ],
            answer: (
                200,
                "An array of runs, as `besom runs list --json` prints them",
            ),
            handler: || get(runs::list),
            ..GET
        },
        Route {
            path: "/v1/runs/{id}",
            about: "One run with its batches",
            takes: &[("id", "path", "The run's id")],
            answer: (200, "A run, as `besom runs show --json` prints it"),
            handler: || get(runs::show),
            ..GET
        },
        Route {
            path: "/v1/jobs/{plugin}/{job}/run",
            about: "Ask for a run of a job, also outside its window",
            takes: &[
                ("plugin", "path", "The plugin"),
                ("job", "path", "The job within the plugin"),
            ],
            body: Some(Body::Json(
                || json!({ "dry_run": { "type": "boolean", "default": false, "description": "Count, and change nothing" } }),
            )),
            answer: (
                202,
                "The run is in the queue: `job`, `run` (its id) and `mode`",
            ),
            handler: || post(jobs::run),
            ..GET
        },
        Route {
            path: "/v1/pause",
            about: "Hold jobs back on every host",
            body: Some(Body::Json(
                || json!({ "what": what(), "why": { "type": "string", "description": "The reason" } }),
            )),
            answer: (200, "What is paused now"),
            handler: || post(jobs::pause),
            ..GET
        },
        Route {
            path: "/v1/resume",
            about: "Let paused jobs run again",
            body: Some(Body::Json(
                || json!({ "what": what(), "why": { "type": "string" } }),
            )),
            answer: (200, "What is paused now; 409 where just this was not"),
            handler: || post(jobs::resume),
            ..GET
        },
        Route {
            path: "/v1/plugins/{name}/install",
            about: "Install a version of a plugin, as `besom plugin install` does",
            takes: &[
                ("name", "path", "The plugin"),
                (
                    "besom-signature",
                    "header",
                    "A signature that `besom plugin sign` made",
                ),
            ],
            body: Some(Body::Component),
            answer: (
                200,
                "Where the version stands now: `plugin`, `version`, `digest`, `standing`, `why`, `notes`",
            ),
            handler: || post(plugins::install).layer(DefaultBodyLimit::max(COMPONENT_BYTES)),
            ..GET
        },
        Route {
            path: "/v1/plugins/{name}/rollback",
            about: "The version before in use again",
            takes: &[("name", "path", "The plugin")],
            body: Some(Body::Nothing),
            answer: (200, "What is in use now; no `version`: the bundled one"),
            handler: || post(plugins::rollback),
            ..GET
        },
        Route {
            path: "/v1/plugins/{name}/promote",
            about: "The version that waits, as a shadow or for a grant, in use",
            takes: &[("name", "path", "The plugin")],
            body: Some(Body::Nothing),
            answer: (200, "Where the version stands now"),
            handler: || post(plugins::promote),
            ..GET
        },
    ]
}

fn what() -> Value {
    json!({
        "type": "string",
        "default": "",
        "description": "A plugin, or `plugin/job`; empty for everything",
    })
}
