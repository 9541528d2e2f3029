//! `superuser` and `grant-too-wide`: what the role may do beyond what the jobs need. PostgreSQL only.
//!
//! Told of the role, once a check, and warnings: nothing here keeps a job from running. Taking rights
//! back is a decision, since an application may use the same role, so there is no statement to be piped
//! into `psql`; `besom grants --revoke` prints those where they are asked for.

use std::collections::BTreeMap;

use super::mend::name;
use super::rights::Rights;
use super::{Finding, Severity};
use crate::catalog::{Dialect, Held, Role, TableId, quote_ident};
use crate::ledger;

/// Tables that a message names; the rest it counts.
const MOST_NAMED: usize = 8;

const OF_ITS_OWN: &str = "Let besom connect as a role of its own: `besom grants --sql ROLE` prints the rights that it needs";

/// What stands out about the role, held against the rights that the jobs need. Where those are not all
/// known (`None`), no right is called too much.
pub fn about(role: &Role, needed: Option<&[Rights]>) -> Vec<Finding> {
    if role.superuser {
        let message = format!(
            "role `{}` is a superuser: neither missing rights nor row-level security hold it, so that \
             besom's own checks are all that keeps a plugin to its tables. {OF_ITS_OWN}",
            role.name
        );
        return vec![Finding::new("superuser", Severity::Warning, message)];
    }
    let mut told = Vec::new();
    let owned = role.owns.iter().filter(|table| !is_ledger(table));
    let owned: Vec<String> = owned.map(|table| format!("`{table}`")).collect();
    if !owned.is_empty() {
        told.push(format!(
            "role `{}` owns {}: an owner may change, truncate and drop its tables, and no REVOKE \
             lasts. {OF_ITS_OWN}",
            role.name,
            some(&owned)
        ));
    }
    if role.writes_all {
        told.push(format!(
            "role `{}` is a member of `pg_write_all_data` and may change every row of every table. \
             {OF_ITS_OWN}",
            role.name
        ));
    }
    if let Some(needed) = needed {
        told.extend(too_much(role, needed));
    }
    let finding = |message| Finding::new("grant-too-wide", Severity::Warning, message);
    told.into_iter().map(finding).collect()
}

/// The statements that take back what a role holds itself and no job needs. A right on a whole table
/// takes those on its columns along, so the grants come behind them.
pub fn revokes(role: &Role, needed: &[Rights]) -> Vec<String> {
    let own = excess(role, needed).filter(|held| held.through.is_none());
    let revokes = by_table(own).into_iter().map(|(table, rights)| {
        format!(
            "REVOKE {} ON {} FROM {}",
            rights.join(", "),
            name(table, Dialect::Postgres),
            quote_ident(&role.name)
        )
    });
    revokes.collect()
}

fn too_much(role: &Role, needed: &[Rights]) -> Option<String> {
    let (own, others): (Vec<_>, Vec<_>) =
        excess(role, needed).partition(|held| held.through.is_none());
    let named = |held: &[&Held], through: &str| -> Vec<String> {
        let tables = by_table(held.iter().copied()).into_iter();
        tables
            .map(|(table, rights)| format!("{} on `{table}`{through}", rights.join(", ")))
            .collect()
    };
    let mut rights = named(&own, "");
    let mut by_giver: BTreeMap<&str, Vec<&Held>> = BTreeMap::new();
    for held in others {
        let giver = held.through.as_deref().unwrap_or_default();
        by_giver.entry(giver).or_default().push(held);
    }
    for (giver, held) in by_giver {
        rights.extend(named(&held, &format!(" (through `{giver}`)")));
    }
    let way_out = match own.is_empty() {
        true => OF_ITS_OWN.to_owned(),
        false => format!(
            "`besom grants --sql {} --revoke` prints what takes back those that it holds itself; look \
             first whether anything else uses the role",
            role.name
        ),
    };
    (!rights.is_empty()).then(|| {
        format!(
            "role `{}` has rights that no job of this configuration needs: {}. {way_out}",
            role.name,
            some(&rights)
        )
    })
}

/// Rights that no job needs, ledger apart: whoever runs `besom migrate` has more there.
fn excess<'a>(role: &'a Role, needed: &'a [Rights]) -> impl Iterator<Item = &'a Held> {
    let held = role.holds.iter().filter(|held| !is_ledger(&held.table));
    held.filter(|held| {
        let on_it = needed.iter().find(|rights| *rights.table() == held.table);
        on_it.is_none_or(|needed| !is_needed(held, needed, role))
    })
}

fn is_needed(held: &Held, needed: &Rights, role: &Role) -> bool {
    match (held.right.as_str(), &held.column) {
        ("DELETE", _) => needed.deletes(),
        ("INSERT", _) => needed.inserts(),
        ("UPDATE", Some(column)) => {
            needed.update().covers(column) || locks_by(needed, role) == Some(column)
        }
        // One column is enough to lock rows.
        ("UPDATE", None) => needed.every_update(),
        _ => false,
    }
}

/// The column whose UPDATE right lets the role lock rows: the one that the grants name, or, without it,
/// the first that it holds.
fn locks_by<'a>(needed: &'a Rights, role: &'a Role) -> Option<&'a str> {
    let named = needed.lock_column()?;
    let held = role.holds.iter();
    let held = held.filter(|held| held.table == *needed.table() && held.right == "UPDATE");
    let columns: Vec<&str> = held.filter_map(|held| held.column.as_deref()).collect();
    match columns.contains(&named) || !needed.update().is_none() {
        true => Some(named),
        false => columns.first().copied(),
    }
}

/// Rights as GRANT spells them, columns of one right together, by table.
fn by_table<'a>(held: impl Iterator<Item = &'a Held>) -> BTreeMap<&'a TableId, Vec<String>> {
    let mut by_table: BTreeMap<&TableId, BTreeMap<(&str, bool), Vec<String>>> = BTreeMap::new();
    for held in held {
        let rights = by_table.entry(&held.table).or_default();
        let columns = rights
            .entry((held.right.as_str(), held.column.is_some()))
            .or_default();
        columns.extend(held.column.as_deref().map(quote_ident));
    }
    let spelled = |((right, _), columns): ((&str, bool), Vec<String>)| match columns.is_empty() {
        true => right.to_owned(),
        false => format!("{right} ({})", columns.join(", ")),
    };
    by_table
        .into_iter()
        .map(|(table, rights)| (table, rights.into_iter().map(spelled).collect()))
        .collect()
}

fn some(named: &[String]) -> String {
    let text = named.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>();
    match named.len().checked_sub(MOST_NAMED) {
        Some(more) if more > 0 => format!("{}, and {more} more", text.join(", ")),
        _ => text.join(", "),
    }
}

fn is_ledger(table: &TableId) -> bool {
    ledger::TABLES.contains(&table.name.as_str())
}
