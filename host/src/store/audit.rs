//! Who did what to which version, and what came of it.

use std::fmt;

use crate::database::{Cells, Database, Session, Statement};
use crate::ledger::{micros, write_now};
use crate::plugin::{Digest, Plugin, Signature};
use crate::request::Timestamp;

use super::StoreError;
use super::rows::{digest as digest_of, fetch, of, text, words};

/// Who did something, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// As user@machine, or the host's name.
    pub name: String,
    /// A file, an address, or the service itself.
    pub origin: String,
}

/// What was done, or tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // their names are the commands'
pub enum Action {
    Install,
    Rollback,
    Pin,
    Remove,
    Promote,
    /// Every host has the staged version ready, or one has not.
    Activate,
    /// A version that was put in place is not run.
    Load,
    /// Crashes in a row.
    Quarantine,
    /// It was counted beside the version in use.
    Shadow,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// Every host is to make it ready.
    Staged,
    /// It waits for the operator.
    Pending,
    /// It was refused.
    Refused,
}

/// One row to be.
#[derive(Debug, Clone)]
pub struct Audit<'a> {
    /// Who.
    pub who: &'a Who,
    /// What.
    pub action: Action,
    /// To which plugin.
    pub plugin: &'a str,
    /// To which version, where it is known.
    pub version: Option<String>,
    /// To which component.
    pub digest: Option<Digest>,
    /// What came of it.
    pub outcome: Outcome,
    /// Why.
    pub why: Option<String>,
}

/// A component on its way into the ledger.
#[derive(Debug)]
pub struct Brought<'a> {
    /// As it was loaded.
    pub plugin: &'a Plugin,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Who vouches for it.
    pub signature: Option<&'a Signature>,
}

/// One row of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: Who,
    /// What, as [`Action`] is spelled.
    pub action: String,
    /// To which plugin.
    pub plugin: String,
    /// To which version.
    pub version: Option<String>,
    /// To which component.
    pub digest: Option<Digest>,
    /// What came of it, as [`Outcome`] is spelled.
    pub outcome: String,
    /// Why.
    pub why: Option<String>,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Install => "install",
            Self::Rollback => "rollback",
            Self::Pin => "pin",
            Self::Remove => "remove",
            Self::Promote => "promote",
            Self::Activate => "activate",
            Self::Load => "load",
            Self::Quarantine => "quarantine",
            Self::Shadow => "shadow",
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "done",
            Self::Staged => "staged",
            Self::Pending => "pending",
            Self::Refused => "refused",
        })
    }
}

/// Writes a row by itself, for what changes nothing else.
///
/// # Errors
/// What the database says.
pub async fn audit(database: &Database, audit: &Audit<'_>) -> Result<(), StoreError> {
    let now = database.now().await?;
    let mut session = database.session().await?;
    write(&mut session, audit, now).await
}

/// Writes a row, in whatever transaction is open.
pub(super) async fn write(
    session: &mut Session,
    audit: &Audit<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut w = Statement::new(session.dialect());
    w.push(
        "INSERT INTO besom_audit (id, by, origin, action, plugin, version, digest, outcome, why, at) \
         VALUES (",
    );
    w.bind_as(uuid::Uuid::now_v7().to_string(), "uuid");
    w.push(", ").bind(audit.who.name.as_str());
    w.push(", ").bind(audit.who.origin.as_str());
    w.push(", ").bind(audit.action.to_string());
    w.push(", ").bind(audit.plugin);
    w.push(", ").bind(text(audit.version.as_deref()));
    w.push(", ").bind(of(audit.digest.as_ref()));
    w.push(", ").bind(audit.outcome.to_string());
    w.push(", ").bind(text(audit.why.as_deref())).push(", ");
    write_now(&mut w, now);
    w.push(")");
    fetch(session, &w).await.map(drop)
}

/// The last word on each plugin where it was a refusal: what somebody tried, or a host, and why it is
/// not so.
///
/// # Errors
/// What the database says.
pub async fn refusals(database: &Database) -> Result<Vec<AuditRecord>, StoreError> {
    read(
        database,
        "outcome = 'refused' AND NOT EXISTS (SELECT 1 FROM besom_audit AS n WHERE n.plugin = a.plugin AND \
         n.id > a.id) ORDER BY plugin",
    )
    .await
}

/// What the shadows of now have been found to do beside the versions in use, the newest first.
///
/// # Errors
/// What the database says.
pub async fn comparisons(database: &Database) -> Result<Vec<AuditRecord>, StoreError> {
    read(
        database,
        "action = 'shadow' AND why IS NOT NULL AND EXISTS (SELECT 1 FROM besom_deployment AS d WHERE \
         d.plugin = a.plugin AND d.shadow = a.digest) ORDER BY id DESC LIMIT 1000",
    )
    .await
}

async fn read(database: &Database, which: &str) -> Result<Vec<AuditRecord>, StoreError> {
    let mut session = database.session().await?;
    let mut w = Statement::new(session.dialect());
    w.push("SELECT by, origin, action, plugin, version, digest, outcome, why, ");
    w.push(&micros(session.dialect(), "at"));
    w.push(" FROM besom_audit AS a WHERE ").push(which);
    let of_row = |row: &Cells| {
        Some(AuditRecord {
            who: Who {
                name: words(row.get(0))?,
                origin: words(row.get(1))?,
            },
            action: words(row.get(2))?,
            plugin: words(row.get(3))?,
            version: words(row.get(4)),
            digest: digest_of(row.get(5)),
            outcome: words(row.get(6))?,
            why: words(row.get(7)),
            at: Timestamp(row.get(8).as_integer()?),
        })
    };
    Ok(fetch(&mut session, &w)
        .await?
        .iter()
        .filter_map(of_row)
        .collect())
}

/// Whether the last that was done to this component was to take it out of use, by somebody or by
/// quarantine. Who watches a folder does not install it again.
///
/// # Errors
/// What the database says.
pub async fn was_undone(database: &Database, digest: &Digest) -> Result<bool, StoreError> {
    let mut session = database.session().await?;
    let mut w = Statement::new(session.dialect());
    w.push("SELECT action FROM besom_audit WHERE outcome <> 'refused' AND action <> 'load' AND digest = ")
        .bind(digest.to_string())
        .push(" ORDER BY id DESC LIMIT 1");
    let rows = fetch(&mut session, &w).await?;
    let last = rows.first().and_then(|row| row.get(0).as_text());
    Ok(matches!(last, Some("rollback" | "remove" | "quarantine")))
}
