//! `key-cannot-act`: a foreign key's SET NULL or SET DEFAULT that is refused whatever the rows; and
//! `key-may-not-act`: one that some rows are refused by.

use super::mend::listed;
use super::reach::Reach;
use super::{Finding, Severity};
use crate::catalog::{Catalog, Dialect, ForeignKey, Obstacle, OnDelete, quote_ident};

/// The keys of a request whose rule can only fail. A row that such a child refers to is held, as by RESTRICT: an
/// error, because somebody meant the children to let go, and none of these parents ever goes.
pub(super) fn cannot_act(reach: &Reach, catalog: &Catalog) -> Vec<Finding> {
    let keys = reach.keys.iter().filter(|key| !key.stuck.is_empty());
    keys.map(|key| told(key, catalog.dialect())).collect()
}

/// MATCH FULL has no place for NULL beside a value.
fn torn(key: &ForeignKey) -> Finding {
    let rule = match key.on_delete {
        OnDelete::SetDefault => "SET DEFAULT",
        _ => "SET NULL",
    };
    let message = format!(
        "foreign key `{}` of `{}` is MATCH FULL and ON DELETE {rule}, which would make {} NULL and leave a value in its \
         other columns: no row of `{}` that such a row refers to can be deleted, by anybody. The job leaves those rows \
         and counts them as blocked. If they are to go, let ON DELETE SET NULL set every column of the key, or make the \
         key MATCH SIMPLE or ON DELETE CASCADE",
        key.name,
        key.child,
        listed(&key.stuck),
        key.parent,
    );
    Finding::new("key-cannot-act", Severity::Error, message)
}

/// The default has no row to refer to.
fn lone(key: &ForeignKey, constants: &str) -> Finding {
    let message = format!(
        "foreign key `{}` of `{}` is ON DELETE SET DEFAULT, and no row of `{}` has the default, {} = {constants}: no row \
         that such a row refers to can be deleted, by anybody. The job leaves those rows and counts them as blocked. \
         If they are to go, insert the row that the default means, or make the key ON DELETE SET NULL or CASCADE",
        key.name,
        key.child,
        key.parent,
        listed(&key.parent_columns),
    );
    Finding::new("key-cannot-act", Severity::Error, message)
}

fn told(key: &ForeignKey, dialect: Dialect) -> Finding {
    if let Some(constants) = &key.lone_default {
        return lone(key, constants);
    }
    if key.torn {
        return torn(key);
    }
    let rule = rule(key);
    let stuck = listed(&key.stuck);
    let (what, let_be) = match &key.held_by {
        Some(Obstacle::Generated { column, .. }) => (
            format!("generated column `{column}`, which takes no NULL, is worked out from {stuck}"),
            format!("let `{column}` be NULL"),
        ),
        Some(Obstacle::Unique {
            index,
            nulls_meet,
            values,
            ..
        }) => (
            format!(
                "unique index `{index}`{} takes one row with {values}, which is there",
                nulls(*nulls_meet, values)
            ),
            format!("drop the index `{index}`, or have it leave such rows out by a WHERE"),
        ),
        // The others only tell what may be.
        _ => {
            let takes = match key.on_delete {
                OnDelete::SetDefault => "has no default and takes no NULL",
                _ => "takes no NULL",
            };
            (
                format!("{stuck} {takes}"),
                "let the column be set".to_owned(),
            )
        }
    };
    let message = format!(
        "foreign key `{}` of `{}` is ON DELETE {rule}, and {what}: no row of `{}` that such a row refers to can be \
         deleted, by anybody. The job leaves those rows and counts them as blocked. If they are to go, {}make \
         the key ON DELETE CASCADE, or {let_be}",
        key.name,
        key.child,
        key.parent,
        narrower(key, &key.stuck, dialect),
    );
    Finding::new("key-cannot-act", Severity::Error, message)
}

/// The keys of a request whose rule may fail, by the rows that are there: only an attempt tells.
pub(super) fn may_not_act(reach: &Reach, dialect: Dialect) -> Vec<Finding> {
    let keys = reach.keys.iter().filter(|key| key.stuck.is_empty());
    keys.flat_map(|key| {
        key.may_be_held_by
            .iter()
            .map(move |by| possible(key, by, dialect))
    })
    .collect()
}

fn possible(key: &ForeignKey, by: &Obstacle, dialect: Dialect) -> Finding {
    let rule = rule(key);
    let (what, columns, let_be) = match by {
        Obstacle::Generated { column, from } => (
            format!(
                "generated column `{column}`, which takes no NULL, is worked out from {}: where it would become NULL",
                listed(from)
            ),
            from.clone(),
            format!("let `{column}` be NULL"),
        ),
        Obstacle::Unique {
            index,
            columns,
            predicate,
            nulls_meet,
            values,
        } => {
            let of = predicate.as_ref();
            let of = of.map_or_else(String::new, |of| format!(" of rows WHERE {of}"));
            let what = format!(
                "unique index `{index}`{} on {}{of} refuses a second row that gets {values}: where two meet",
                nulls(*nulls_meet, values),
                listed(columns)
            );
            let set = key.set_columns.iter();
            let set = set.filter(|column| columns.contains(column)).cloned();
            let let_be =
                format!("drop the index `{index}`, or have it leave such rows out by a WHERE");
            (what, set.collect(), let_be)
        }
        Obstacle::Exclusion {
            name,
            definition,
            values,
        } => (
            format!(
                "constraint `{name}` ({definition}) refuses a row beside another one once it gets {values}: where two \
                 meet"
            ),
            key.set_columns.clone(),
            format!("drop the constraint `{name}`, or have it leave such rows out by a WHERE"),
        ),
        Obstacle::Check {
            name,
            expression,
            columns,
        } => {
            let name = name.as_ref().map(|name| format!("`{name}` "));
            let name = name.unwrap_or_default();
            let what = format!(
                "a check {name}is about {} (`{expression}`): where it does not hold for what the rule puts there",
                listed(columns)
            );
            let let_be = "let the check hold for such rows".to_owned();
            (what, columns.clone(), let_be)
        }
        Obstacle::Default { columns } => (
            format!(
                "the row of `{}` that the default of {} refers to is looked for at the delete: where there is none",
                key.parent,
                listed(columns)
            ),
            Vec::new(),
            "see to it that the row is there".to_owned(),
        ),
    };
    let message = format!(
        "foreign key `{}` of `{}` is ON DELETE {rule}, and {what}, the delete of the row of `{}` is refused. The job \
         tries such rows one at a time, leaves them and counts them as blocked. If they are to go, {}make the key ON \
         DELETE CASCADE, or {let_be}",
        key.name,
        key.child,
        key.parent,
        narrower(key, &columns, dialect),
    );
    Finding::new("key-may-not-act", Severity::Warning, message)
}

fn rule(key: &ForeignKey) -> &'static str {
    match key.on_delete {
        OnDelete::SetDefault => "SET DEFAULT",
        _ => "SET NULL",
    }
}

fn nulls(meet: bool, values: &str) -> &'static str {
    match meet && values.contains("NULL") {
        true => " (NULLS NOT DISTINCT)",
        false => "",
    }
}

/// The way out of a key that need not set these columns.
fn narrower(key: &ForeignKey, stuck: &[String], dialect: Dialect) -> String {
    let set = key.set_columns.iter();
    let free = set.filter(|column| !stuck.contains(column));
    let free: Vec<_> = free.map(|column| quote_ident(column)).collect();
    match (dialect, free.is_empty() || stuck.is_empty() || key.full) {
        (Dialect::Postgres, false) => format!(
            "name the columns that can be set, ON DELETE {} ({}) (PostgreSQL 15 or later), or ",
            rule(key),
            free.join(", ")
        ),
        _ => String::new(),
    }
}
