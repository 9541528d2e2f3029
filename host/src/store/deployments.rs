//! Which version of a plugin the hosts run.

use std::collections::BTreeMap;

use crate::catalog::Dialect;
use crate::database::{Cells, Database, Session, Statement};
use crate::ledger::{begin, micros, write_now};
use crate::plugin::Digest;
use crate::request::Timestamp;

use super::audit::write as write_audit;
use super::rows::{digest, fetch, of, text, words, write_flag};
use super::{Audit, StoreError};

/// Which version of a plugin the hosts run, as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// The plugin.
    pub plugin: String,
    /// Raised by every change; 0 where nothing has been said yet.
    pub counter: i64,
    /// The version in use; `None`: what the binary embeds.
    pub active: Option<Digest>,
    /// The one before it, to go back to.
    pub previous: Option<Digest>,
    /// Active as soon as every host has it ready.
    pub staged: Option<Digest>,
    /// It waits for the operator, and why.
    pub pending: Option<(Digest, String)>,
    /// Counted beside the active one.
    pub shadow: Option<Shadow>,
    /// Installing another version does not put it in the place of this one.
    pub pinned: bool,
    /// Who changed it last.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A version that is counted beside the active one and changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shadow {
    /// The version.
    pub digest: Digest,
    /// For so many runs more.
    pub runs_left: u32,
}

/// The counters of every plugin: what has changed since the last look is seen by these alone.
pub type Counters = BTreeMap<String, i64>;

impl Deployment {
    /// A plugin of which nothing has been said.
    pub fn none(plugin: &str) -> Self {
        Self {
            plugin: plugin.to_owned(),
            counter: 0,
            active: None,
            previous: None,
            staged: None,
            pending: None,
            shadow: None,
            pinned: false,
            by: String::new(),
            at: Timestamp(0),
        }
    }

    /// This version in use, the one in use kept to go back to.
    pub fn activated(&self, digest: Digest) -> Self {
        let same = self.active == Some(digest);
        Self {
            active: Some(digest),
            previous: if same { self.previous } else { self.active },
            pending: self.pending.clone().filter(|(of, _)| *of != digest),
            shadow: self.shadow.filter(|shadow| shadow.digest != digest),
            staged: None,
            ..self.clone()
        }
    }

    /// The version before in use again; `None` where there is none to go back to. The one that is left
    /// is not kept: nothing should fall back to it.
    pub fn rolled_back(&self) -> Option<Self> {
        self.active?;
        Some(Self {
            active: self.previous,
            previous: None,
            staged: None,
            pinned: false,
            ..self.clone()
        })
    }

    /// Every digest that it refers to.
    pub fn digests(&self) -> impl Iterator<Item = Digest> + use<> {
        let pending = self.pending.as_ref().map(|(digest, _)| *digest);
        let shadow = self.shadow.map(|shadow| shadow.digest);
        [self.active, self.previous, self.staged, pending, shadow]
            .into_iter()
            .flatten()
    }
}

const COLUMNS: &str = "plugin, counter, active, previous, staged, pending, pending_why, shadow, \
                       shadow_runs, pinned, changed_by";

fn of_row(row: &Cells) -> Option<Deployment> {
    let why = words(row.get(6)).unwrap_or_default();
    Some(Deployment {
        plugin: words(row.get(0))?,
        counter: row.get(1).as_integer()?,
        active: digest(row.get(2)),
        previous: digest(row.get(3)),
        staged: digest(row.get(4)),
        pending: digest(row.get(5)).map(|digest| (digest, why)),
        shadow: digest(row.get(7)).map(|digest| Shadow {
            digest,
            runs_left: u32::try_from(row.get(8).as_count()).unwrap_or_default(),
        }),
        pinned: row.get(9).as_count() != 0,
        by: words(row.get(10))?,
        at: Timestamp(row.get(11).as_integer()?),
    })
}

fn select(dialect: Dialect) -> Statement {
    let mut w = Statement::new(dialect);
    w.push("SELECT ").push(COLUMNS).push(", ");
    w.push(&micros(dialect, "changed_at"));
    w.push(" FROM besom_deployment");
    w
}

/// Every deployment, by plugin.
///
/// # Errors
/// What the database says.
pub async fn deployments(database: &Database) -> Result<Vec<Deployment>, StoreError> {
    let mut session = database.session().await?;
    let mut w = select(session.dialect());
    w.push(" ORDER BY plugin");
    Ok(fetch(&mut session, &w)
        .await?
        .iter()
        .filter_map(of_row)
        .collect())
}

/// The deployment of a plugin; an empty one where nothing has been said.
///
/// # Errors
/// What the database says.
pub async fn deployment(database: &Database, plugin: &str) -> Result<Deployment, StoreError> {
    let mut session = database.session().await?;
    one(&mut session, plugin).await
}

pub(super) async fn one(session: &mut Session, plugin: &str) -> Result<Deployment, StoreError> {
    let mut w = select(session.dialect());
    w.push(" WHERE plugin = ").bind(plugin);
    let rows = fetch(session, &w).await?;
    Ok(rows
        .first()
        .and_then(of_row)
        .unwrap_or_else(|| Deployment::none(plugin)))
}

/// What has changed, in one cheap statement.
///
/// # Errors
/// What the database says.
pub async fn counters(database: &Database) -> Result<Counters, StoreError> {
    let mut session = database.session().await?;
    let mut w = Statement::new(session.dialect());
    w.push("SELECT plugin, counter FROM besom_deployment");
    let rows = fetch(&mut session, &w).await?;
    let of_row = |row: &Cells| Some((row.get(0).as_text()?.to_owned(), row.get(1).as_integer()?));
    Ok(rows.iter().filter_map(of_row).collect())
}

/// Puts `to` in the place of `from`, with a row of the audit, if nobody has changed it since.
///
/// # Errors
/// [`StoreError::Raced`] where somebody has.
pub async fn change(
    database: &Database,
    from: &Deployment,
    to: Deployment,
    audit: &Audit<'_>,
) -> Result<(), StoreError> {
    change_with(database, from, to, audit, None).await
}

/// The same, with a component that comes into the ledger in the same transaction.
///
/// # Errors
/// As [`change`].
pub async fn change_with(
    database: &Database,
    from: &Deployment,
    to: Deployment,
    audit: &Audit<'_>,
    component: Option<super::audit::Brought<'_>>,
) -> Result<(), StoreError> {
    let now = database.now().await?;
    let mut session = database.session().await?;
    session.begin(begin(database.dialect())).await?;
    if let Some(brought) = component {
        let (plugin, bytes) = (brought.plugin, brought.bytes);
        let signature = brought.signature;
        super::components::keep(&mut session, plugin, bytes, signature, audit.who, now).await?;
    }
    if !replace(&mut session, from, &to, &audit.who.name, now).await? {
        session.rollback().await?;
        return Err(StoreError::Raced(from.plugin.clone()));
    }
    write_audit(&mut session, audit, now).await?;
    session.commit().await?;
    Ok(())
}

/// The compare-and-set.
async fn replace(
    session: &mut Session,
    from: &Deployment,
    to: &Deployment,
    by: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut w = Statement::new(session.dialect());
    w.push("INSERT INTO besom_deployment (").push(COLUMNS);
    w.push(", changed_at) VALUES (").bind(from.plugin.as_str());
    w.push(", ").bind(from.counter.saturating_add(1));
    for digest in [&to.active, &to.previous, &to.staged] {
        w.push(", ").bind(of(digest.as_ref()));
    }
    let (pending, why) = to
        .pending
        .as_ref()
        .map(|(d, why)| (d, why.as_str()))
        .unzip();
    w.push(", ").bind(of(pending)).push(", ").bind(text(why));
    let shadow = to.shadow.as_ref();
    w.push(", ").bind(of(shadow.map(|shadow| &shadow.digest)));
    let left = shadow.map_or(0, |shadow| i64::from(shadow.runs_left));
    w.push(", ").bind_as(left, "integer").push(", ");
    write_flag(&mut w, to.pinned);
    w.push(", ").bind(by).push(", ");
    write_now(&mut w, now);
    w.push(
        ") ON CONFLICT (plugin) DO UPDATE SET counter = excluded.counter, active = excluded.active, \
         previous = excluded.previous, staged = excluded.staged, pending = excluded.pending, \
         pending_why = excluded.pending_why, shadow = excluded.shadow, \
         shadow_runs = excluded.shadow_runs, pinned = excluded.pinned, \
         changed_by = excluded.changed_by, changed_at = excluded.changed_at \
         WHERE besom_deployment.counter = ",
    );
    w.bind(from.counter).push(" RETURNING 1");
    Ok(!fetch(session, &w).await?.is_empty())
}

/// Raises a plugin's counter, so that every host looks again.
pub(super) async fn raise(
    session: &mut Session,
    plugin: &str,
    by: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut w = Statement::new(session.dialect());
    w.push("INSERT INTO besom_deployment (plugin, counter, changed_by, changed_at) VALUES (")
        .bind(plugin)
        .push(", 1, ")
        .bind(by)
        .push(", ");
    write_now(&mut w, now);
    w.push(") ON CONFLICT (plugin) DO UPDATE SET counter = besom_deployment.counter + 1");
    fetch(session, &w).await.map(drop)
}

/// One run of the shadow has been counted; after the last one the shadow ends by itself. Answers how
/// many are left.
///
/// # Errors
/// What the database says.
pub async fn shadow_ran(
    database: &Database,
    plugin: &str,
    digest: &Digest,
) -> Result<u32, StoreError> {
    let mut session = database.session().await?;
    let mut w = Statement::new(session.dialect());
    w.push("UPDATE besom_deployment SET shadow_runs = shadow_runs - 1, counter = counter + 1 WHERE plugin = ")
        .bind(plugin)
        .push(" AND shadow_runs > 0 AND shadow = ")
        .bind(digest.to_string())
        .push(" RETURNING shadow_runs");
    let rows = fetch(&mut session, &w).await?;
    let left = rows.first().map_or(0, |row| row.get(0).as_count());
    Ok(u32::try_from(left).unwrap_or_default())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn going_back_leaves_nothing_to_fall_back_to() {
        let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
        let both = Deployment::none("a").activated(one).activated(two);
        assert_eq!((both.active, both.previous), (Some(two), Some(one)));

        let back = both.rolled_back().unwrap();
        assert_eq!((back.active, back.previous), (Some(one), None));
        let embedded = back.rolled_back().unwrap();
        assert_eq!((embedded.active, embedded.previous), (None, None));
        assert_eq!(embedded.rolled_back(), None);
    }

    #[test]
    fn the_version_in_use_activated_again_keeps_the_one_before() {
        let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
        let both = Deployment::none("a").activated(one).activated(two);

        assert_eq!(both.activated(two), both);
    }
}
