//! The exports: what a plugin provides.

use wasmtime::Store;

use super::super::describe::{Described, DescribedJob, DescribedSetting};
use super::super::error::Cause;
use super::super::guest::State;
use super::super::manifest::{Finding, Severity, TableAccess};
use super::Component;
use super::bindings::exports::besom::cleanup::jobs as wit;

/// Calls `describe` on a fresh instance.
pub(in crate::plugin) async fn describe(
    component: &Component,
    store: &mut Store<State>,
) -> wasmtime::Result<Described> {
    let plugin = component.instantiate_async(&mut *store).await?;
    let manifest = plugin.besom_cleanup_jobs().call_describe(store).await?;
    Ok(Described {
        name: manifest.name,
        version: manifest.version,
        about: manifest.about,
        settings: manifest.settings.into_iter().map(setting).collect(),
        jobs: manifest.jobs.into_iter().map(job).collect(),
    })
}

/// Calls `access` on a fresh instance.
pub(in crate::plugin) async fn access(
    component: &Component,
    store: &mut Store<State>,
    job: &str,
) -> wasmtime::Result<Result<Vec<TableAccess>, Cause>> {
    let plugin = component.instantiate_async(&mut *store).await?;
    let answer = plugin.besom_cleanup_jobs().call_access(store, job).await?;
    Ok(answer
        .map(|tables| tables.into_iter().map(table_access).collect())
        .map_err(Cause::Failed))
}

/// Calls `preflight` on a fresh instance.
pub(in crate::plugin) async fn preflight(
    component: &Component,
    store: &mut Store<State>,
    job: &str,
) -> wasmtime::Result<Result<Vec<Finding>, Cause>> {
    let plugin = component.instantiate_async(&mut *store).await?;
    let answer = plugin
        .besom_cleanup_jobs()
        .call_preflight(store, job)
        .await?;
    Ok(match answer {
        Ok(findings) => findings.into_iter().map(finding).collect(),
        Err(text) => Err(Cause::Failed(text)),
    })
}

/// Calls `run` on a fresh instance.
pub(in crate::plugin) async fn run(
    component: &Component,
    store: &mut Store<State>,
    job: &str,
) -> wasmtime::Result<Result<(), Cause>> {
    let plugin = component.instantiate_async(&mut *store).await?;
    let answer = plugin.besom_cleanup_jobs().call_run(store, job).await?;
    Ok(answer.map_err(Cause::Failed))
}

fn setting(setting: wit::Setting) -> DescribedSetting {
    DescribedSetting {
        name: setting.name,
        kind: setting.kind,
        default: setting.default,
        about: setting.about,
        extras: setting.extras,
    }
}

fn job(job: wit::Job) -> DescribedJob {
    DescribedJob {
        name: job.name,
        about: job.about,
        schedule: job.schedule,
        defaults: job.defaults,
        opt_in: job.opt_in,
        after: job.after,
        formerly: job.formerly,
        extras: job.extras,
    }
}

fn table_access(access: wit::TableAccess) -> TableAccess {
    let of = |known: &'static str| {
        let extras = access.extras.iter();
        extras
            .filter(move |(key, _)| key == known)
            .map(|(_, value)| value.clone())
    };
    TableAccess {
        all_rows: of("all-rows").any(|value| value == "true"),
        indexes: of("index").collect(),
        expiry: of("expiry").collect(),
        if_there: of("if-there").any(|value| value == "true"),
        table: access.table,
        read: access.read,
        update: access.update,
        delete: access.delete,
    }
}

fn finding(finding: wit::Finding) -> Result<Finding, Cause> {
    let severity = match finding.severity.as_str() {
        "info" => Severity::Info,
        "warning" => Severity::Warning,
        "error" => Severity::Error,
        other => {
            let what = format!("finding `{}` is of severity {other:?}", finding.code);
            return Err(Cause::Answer(what));
        }
    };
    Ok(Finding {
        code: finding.code,
        severity,
        message: finding.message,
    })
}
