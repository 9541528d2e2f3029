//! Between this crate's types and the contract's. Conversion only, no rule.

use super::bindings::besom::cleanup::{context, rows, types};
use super::bindings::exports::besom::cleanup::jobs;
use crate::access::TableAccess;
use crate::batch::Batch;
use crate::condition::{Comparison, Condition};
use crate::error::{Error, Problem};
use crate::finding::Finding;
use crate::join::Join;
use crate::manifest::{Job, Manifest, Setting};
use crate::rows::{Cells, Page};
use crate::setting::SettingValue;
use crate::time::{Timestamp, micros};
use crate::value::Value;
use std::time::Duration;

pub(super) fn value(value: &Value) -> types::Value {
    match value {
        Value::Null => types::Value::Null,
        Value::Boolean(value) => types::Value::Boolean(*value),
        Value::Integer(value) => types::Value::Integer(*value),
        Value::Float(value) => types::Value::Float(*value),
        Value::Decimal(value) => types::Value::Decimal(value.clone()),
        Value::Text(value) => types::Value::Text(value.clone()),
        Value::Bytes(value) => types::Value::Bytes(value.clone()),
        Value::Uuid(value) => types::Value::Uuid(value.clone()),
        Value::Timestamp(value) => types::Value::Timestamp(value.as_micros()),
        Value::Duration(value) => types::Value::Duration(micros(*value).unsigned_abs()),
        Value::Json(value) => types::Value::Json(value.clone()),
        Value::Other(value) => types::Value::Other(value.clone()),
    }
}

pub(super) fn join(join: &Join) -> Vec<types::Join> {
    join.pairs
        .iter()
        .map(|pair| types::Join {
            foreign: pair.foreign.clone(),
            local: pair.local.clone(),
        })
        .collect()
}

/// Builds the tree from its leaves up: every handle is given away to the one above it, so that a
/// tree never holds more handles than its widest list has terms.
pub(super) fn condition(from: &Condition) -> types::Condition {
    use types::Condition as To;
    match from {
        Condition::Compare {
            column,
            operator,
            to,
        } => To::compare(column, comparison(*operator), &value(to)),
        Condition::CompareColumns {
            column,
            operator,
            to,
        } => To::compare_columns(column, comparison(*operator), to),
        Condition::OlderThan {
            column,
            cutoff,
            offset,
        } => To::older_than(column, cutoff.as_micros(), *offset),
        Condition::IdOlderThan { column, cutoff } => To::id_older_than(column, cutoff.as_micros()),
        Condition::IsNull { column } => To::is_null(column),
        Condition::IsNotNull { column } => To::is_not_null(column),
        Condition::OneOf { column, values } => {
            To::one_of(column, &values.iter().map(value).collect::<Vec<_>>())
        }
        Condition::StartsWith { column, prefix } => To::starts_with(column, prefix),
        Condition::Exists {
            table,
            on,
            matching,
        } => To::exists(table, &join(on), matching.as_deref().map(condition)),
        Condition::NotExists {
            table,
            on,
            matching,
        } => To::not_exists(table, &join(on), matching.as_deref().map(condition)),
        Condition::BeyondNewest {
            group_by,
            order_by,
            keep,
        } => To::beyond_newest(group_by, order_by, *keep),
        Condition::All(of) => To::all(of.iter().map(condition).collect()),
        Condition::Any(of) => To::any(of.iter().map(condition).collect()),
        Condition::Not(of) => To::negate(condition(of)),
        Condition::Everything => To::everything(),
    }
}

fn comparison(from: Comparison) -> types::Comparison {
    match from {
        Comparison::Equal => types::Comparison::Equal,
        Comparison::NotEqual => types::Comparison::NotEqual,
        Comparison::Less => types::Comparison::Less,
        Comparison::LessOrEqual => types::Comparison::LessOrEqual,
        Comparison::Greater => types::Comparison::Greater,
        Comparison::GreaterOrEqual => types::Comparison::GreaterOrEqual,
    }
}

impl From<types::Error> for Error {
    fn from(error: types::Error) -> Self {
        let problem = |problem: types::Problem| Problem {
            code: problem.code,
            message: problem.message,
        };
        match error {
            types::Error::Denied(of) => Self::Denied(problem(of)),
            types::Error::Invalid(of) => Self::Invalid(problem(of)),
            types::Error::Exhausted(of) => Self::Exhausted(problem(of)),
            types::Error::Timeout(of) => Self::Timeout(problem(of)),
            types::Error::Database(of) => Self::Database(problem(of)),
            types::Error::Other(of) => Self::Other(problem(of)),
        }
    }
}

impl From<types::Batch> for Batch {
    fn from(batch: types::Batch) -> Self {
        Self {
            examined: batch.examined,
            affected: batch.affected,
            dependents: batch.dependents,
            cascaded: batch.cascaded,
            locked: batch.locked,
            blocked: batch.blocked,
            revived: batch.revived,
        }
    }
}

impl From<rows::Page> for Page {
    fn from(page: rows::Page) -> Self {
        let instant = |micros: Option<i64>| micros.map(Timestamp::from_micros);
        let cells = |column| match column {
            rows::Column::Booleans(of) => Cells::Booleans(of),
            rows::Column::Integers(of) => Cells::Integers(of),
            rows::Column::Floats(of) => Cells::Floats(of),
            rows::Column::Texts(of) => Cells::Texts(of),
            rows::Column::Blobs(of) => Cells::Blobs(of),
            rows::Column::Timestamps(of) => {
                Cells::Timestamps(of.into_iter().map(instant).collect())
            }
        };
        Self {
            length: page.length,
            columns: page.columns.into_iter().map(cells).collect(),
            offset: page.offset,
        }
    }
}

impl From<context::SettingValue> for SettingValue {
    fn from(value: context::SettingValue) -> Self {
        match value {
            context::SettingValue::Boolean(of) => Self::Boolean(of),
            context::SettingValue::Integer(of) => Self::Integer(of),
            context::SettingValue::Float(of) => Self::Float(of),
            context::SettingValue::Text(of) => Self::Text(of),
            context::SettingValue::Duration(of) => Self::Duration(Duration::from_micros(of)),
            context::SettingValue::Texts(of) => Self::Texts(of),
            context::SettingValue::Integers(of) => Self::Integers(of),
            context::SettingValue::Other(of) => Self::Other(of),
        }
    }
}

impl From<Manifest> for jobs::Manifest {
    fn from(manifest: Manifest) -> Self {
        Self {
            name: manifest.name,
            version: manifest.version,
            about: manifest.about,
            settings: manifest.settings.into_iter().map(Into::into).collect(),
            jobs: manifest.jobs.into_iter().map(Into::into).collect(),
            extras: manifest.extras,
        }
    }
}

impl From<Setting> for jobs::Setting {
    fn from(setting: Setting) -> Self {
        Self {
            name: setting.name,
            kind: setting.kind.to_string(),
            default: setting.default,
            about: setting.about,
            extras: setting.extras,
        }
    }
}

impl From<Job> for jobs::Job {
    fn from(job: Job) -> Self {
        Self {
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
}

impl From<TableAccess> for jobs::TableAccess {
    fn from(access: TableAccess) -> Self {
        Self {
            table: access.table,
            read: access.read,
            update: access.update,
            delete: access.delete,
            extras: access.extras,
        }
    }
}

impl From<Finding> for jobs::Finding {
    fn from(finding: Finding) -> Self {
        Self {
            code: finding.code,
            severity: finding.severity.to_string(),
            message: finding.message,
            extras: finding.extras,
        }
    }
}
