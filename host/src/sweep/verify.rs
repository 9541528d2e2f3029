//! Verification: after a drained run, is there really nothing left, and if there is, why?

use std::collections::BTreeMap;
use std::time::Duration;

use super::context::Ended;
use super::leaves::has_left;
use super::probe::{ROLLBACK_JOURNAL, probe};
use super::remains::{PassedOver, Remains};
use super::schema::{Accepted, premises_hold};
use super::stretches::remaining_within;
use super::unread::{self, Unread};
use crate::database::{Cause, Database, DatabaseError};
use crate::sql::Plan;

/// The probe's own limit: a table that no index serves may take long to say "nothing left", and
/// the run is over whatever it says.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Rows that are left are counted no further than this: whether there are ten thousand or a million,
/// the next run is due.
pub const MOST_COUNTED: u64 = 10_000;

/// The SQLSTATE for a table that is not there.
const UNDEFINED: &str = "42P01";

/// What the probe found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verification {
    /// No row is left that the sweeps would take. Rows that others hold on to may be.
    Verified,
    /// So many are left ([`MOST_COUNTED`] a sweep are not counted further).
    Left(u64),
    /// Nobody looked, or the probe did not finish, and why.
    Unverified(String),
    /// The run goes on, or an earlier version recorded it.
    NotDone,
}

impl Verification {
    /// As the ledger keeps it.
    pub fn to_ledger(&self) -> Option<String> {
        match self {
            Self::Verified => Some("verified".to_owned()),
            Self::Left(rows) => Some(format!("left: {rows}")),
            Self::Unverified(why) => Some(format!("unverified: {why}")),
            Self::NotDone => None,
        }
    }

    /// As the ledger has it; what it does not know reads as not verified.
    pub fn from_ledger(text: Option<&str>) -> Self {
        match text {
            None => Self::NotDone,
            Some("verified") => Self::Verified,
            Some(text) => match text
                .strip_prefix("left: ")
                .and_then(|rows| rows.parse().ok())
            {
                Some(rows) => Self::Left(rows),
                None => {
                    Self::Unverified(text.strip_prefix("unverified: ").unwrap_or(text).to_owned())
                }
            },
        }
    }

    /// What the sweeps of a run come to together. Rows that cannot be read are not known to be none of
    /// the job's, so that a run which passed them over is not verified.
    pub fn of(remains: &[Remains]) -> Self {
        let unknown = remains.iter().find_map(|sweep| sweep.unverified.clone());
        let unknown = unknown.or_else(|| not_read(remains));
        let left = remains.iter().map(|sweep| sweep.left).sum();
        match (unknown, left) {
            (Some(why), _) => Self::Unverified(why),
            (None, 0) => Self::Verified,
            (None, left) => Self::Left(left),
        }
    }
}

/// What the sweeps could not read, the columns of which there is most first.
fn not_read(remains: &[Remains]) -> Option<String> {
    /// More columns are a list, and each sweep tells its own.
    const TOLD: usize = 3;
    // Two sweeps of one table read the same values.
    let mut columns: BTreeMap<&str, &Unread> = BTreeMap::new();
    for (name, unread) in remains.iter().flat_map(|sweep| &sweep.unread_of) {
        let known = columns.entry(name).or_insert(unread);
        if known.rows < unread.rows {
            *known = unread;
        }
    }
    let mut columns: Vec<_> = columns.into_iter().collect();
    columns.sort_by_key(|(_, unread)| std::cmp::Reverse(unread.rows));
    let told = columns
        .iter()
        .take(TOLD)
        .map(|(name, unread)| unread.told(name));
    let not_looked_at = remains
        .iter()
        .find_map(|sweep| sweep.not_looked_at.as_ref());
    let not_looked_at = not_looked_at.map(|what| format!("it is not known {what}"));
    let all: Vec<_> = told.chain(not_looked_at).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// What a dry run says of values that cannot be read; it leaves everything, of which it says nothing.
pub async fn unread_only(database: &Database, ended: &[Ended]) -> Vec<Remains> {
    let mut found = Vec::new();
    for sweep in ended {
        let unread = unread::look(database, sweep).await;
        if !unread.columns.is_empty() {
            let remains = Remains {
                table: sweep.table.clone(),
                ..Remains::default()
            };
            found.push(remains.with_unread(unread));
        }
    }
    found
}

/// Asks for every sweep that came to its end what it left, by the run's own cut-offs.
pub async fn verify(database: &Database, ended: &[Ended]) -> Vec<Remains> {
    let mut found = Vec::new();
    for sweep in ended {
        let keepers = sweep.plans.iter().flat_map(|plan| plan.keepers());
        let remains = look(database, sweep).await.with_keepers(keepers);
        let remains = remains.with_beside(sweep.passed.beside);
        let unread = unread::look(database, sweep).await;
        found.push(remains.with_unread(unread));
    }
    found
}

async fn look(database: &Database, sweep: &Ended) -> Remains {
    let table = sweep.table.clone();
    if sweep.only_looked {
        return Remains {
            table,
            ..Remains::default()
        };
    }
    if sweep.plans.is_empty() {
        return chosen(table, sweep.passed);
    }
    let mut left = 0;
    let accepted = Accepted::default();
    for plan in &sweep.plans {
        match remaining(database, plan, MOST_COUNTED).await {
            Ok(rows) => left += rows,
            Err(error) if has_gone(plan, &error) => {}
            Err(error) => return unknown(table, left, sweep.passed, plan, &error),
        }
        // Rows that another schema shows were not looked for.
        match still_hold(database, plan, &accepted).await {
            Ok(true) => {}
            Ok(false) => return another_schema(table, left, sweep.passed, plan),
            Err(error) => return unknown(table, left, sweep.passed, plan, &error),
        }
    }
    let (blocked, blocked_by) = match all_blocked(database, sweep).await {
        Ok(found) => found,
        // That nothing is left is known all the same.
        Err(error) => {
            tracing::debug!(table, %error, "the blocked rows were not counted again");
            (sweep.passed.blocked, BTreeMap::new())
        }
    };
    Remains {
        blocked,
        blocked_by,
        ..Remains::told_apart(table, left, MOST_COUNTED, sweep.passed)
    }
}

async fn still_hold(
    database: &Database,
    plan: &Plan,
    accepted: &Accepted,
) -> Result<bool, DatabaseError> {
    let holds = {
        let mut session = database.session().await?;
        premises_hold(&mut session, plan, accepted).await?
    };
    // A partition that is attached or detached belongs to the next run.
    Ok(holds || has_left(database, plan).await?)
}

fn another_schema(table: String, left: u64, passed: PassedOver, plan: &Plan) -> Remains {
    let why = format!(
        "keys, triggers, rules, heirs or columns of `{}`, or of a table that goes along, changed during the run",
        plan.table().id
    );
    Remains {
        unverified: Some(why),
        ..Remains::told_apart(table, left, MOST_COUNTED, passed)
    }
}

/// Rows that others hold, and by which table.
async fn all_blocked(
    database: &Database,
    sweep: &Ended,
) -> Result<(u64, BTreeMap<String, u64>), DatabaseError> {
    let (mut blocked, mut blocked_by) = (0, BTreeMap::new());
    for plan in sweep.plans.iter().filter(|plan| plan.may_block()) {
        match still_blocked(database, plan).await {
            Ok((rows, by)) => {
                blocked += rows;
                for (table, rows) in by {
                    *blocked_by.entry(table).or_default() += rows;
                }
            }
            Err(error) if has_gone(plan, &error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok((blocked, blocked_by))
}

/// Rows that the plugin named: what kept some of them is known, and whether it would name others now
/// is not.
fn chosen(table: String, passed: PassedOver) -> Remains {
    let why = format!("the plugin chose rows of `{table}` by reading them");
    let left = passed.locked + passed.refused;
    Remains {
        unverified: Some(why),
        ..Remains::told_apart(table, left, u64::MAX, passed)
    }
}

/// A partition that has been dropped since has no rows to leave.
pub(super) fn has_gone(plan: &Plan, error: &DatabaseError) -> bool {
    error.code == UNDEFINED && plan.authorized.root().is_some()
}

/// What is known when a probe fails: what was counted until then, and why there is no more.
fn unknown(
    table: String,
    left: u64,
    passed: PassedOver,
    plan: &Plan,
    error: &DatabaseError,
) -> Remains {
    let why = match error.cause {
        Cause::StatementTimeout if error.code != ROLLBACK_JOURNAL => format!(
            "the probe of `{}` took longer than {} s",
            plan.table().id,
            TIMEOUT.as_secs()
        ),
        _ => format!("the probe of `{}`: {error}", plan.table().id),
    };
    Remains {
        unverified: Some(why),
        ..Remains::told_apart(table, left, MOST_COUNTED, passed)
    }
}

/// Rows that the sweep would still take, counted no further than `most`.
pub(super) async fn remaining(
    database: &Database,
    plan: &Plan,
    most: u64,
) -> Result<u64, DatabaseError> {
    remaining_within(database, plan, most, TIMEOUT).await
}

/// Rows that meet the condition and that others hold, and by which table.
async fn still_blocked(
    database: &Database,
    plan: &Plan,
) -> Result<(u64, Vec<(String, u64)>), DatabaseError> {
    let rows = probe(database, plan, TIMEOUT, |plan| {
        plan.remaining_blocked(MOST_COUNTED)
    })
    .await?;
    let blocked = rows.first().map_or(0, |row| row.get(0).as_count());
    if blocked == 0 {
        return Ok((0, Vec::new()));
    }
    let by = probe(database, plan, TIMEOUT, |plan| {
        plan.remaining_blocked_by(MOST_COUNTED)
    })
    .await?;
    let by = by.iter().map(|row| {
        let table = row.get(0).as_text().unwrap_or_default().to_owned();
        (table, row.get(1).as_count())
    });
    Ok((blocked, by.filter(|(_, rows)| *rows > 0).collect()))
}
