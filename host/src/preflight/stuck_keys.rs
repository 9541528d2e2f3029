//! `key-cannot-act`: a foreign key's SET NULL or SET DEFAULT that the column refuses.

use super::mend::listed;
use super::reach::Reach;
use super::{Finding, Severity};
use crate::catalog::{Catalog, Dialect, ForeignKey, OnDelete, quote_ident};

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
    let (rule, what) = match key.on_delete {
        OnDelete::SetDefault => ("SET DEFAULT", "has no default and takes no NULL"),
        _ => ("SET NULL", "takes no NULL"),
    };
    let set = key.set_columns.iter();
    let free: Vec<_> = set.filter(|c| !key.stuck.contains(c)).collect();
    let narrower = match (dialect, free.as_slice()) {
        (Dialect::Sqlite, _) | (_, []) => String::new(),
        // Some of its columns alone it does not let be NULL.
        _ if key.full => String::new(),
        (Dialect::Postgres, free) => {
            let free: Vec<_> = free.iter().map(|column| quote_ident(column)).collect();
            format!(
                "name the columns that can be set, ON DELETE {rule} ({}) (PostgreSQL 15 or later), or ",
                free.join(", ")
            )
        }
    };
    let message = format!(
        "foreign key `{}` of `{}` is ON DELETE {rule}, and {} {what}: no row of `{}` that such a row refers to can be \
         deleted, by anybody. The job leaves those rows and counts them as blocked. If they are to go, {narrower}make \
         the key ON DELETE CASCADE, or let the column be set",
        key.name,
        key.child,
        listed(&key.stuck),
        key.parent,
    );
    Finding::new("key-cannot-act", Severity::Error, message)
}
