//! What the database would do in place of what a statement says: found before anything is deleted, and refused.
//!
//! A rewrite rule carries out another statement, a key whose triggers are disabled neither holds nor acts, rows of
//! tables that inherit are seen by everybody and reached by no delete, and a table that is published without a
//! replica identity takes no delete at all. None of it can be lived with: counts would not be what is gone.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::zoned::ties_the_same;
use super::{Consequence, Tied};
use crate::catalog::{Catalog, Dialect, Event, ForeignKey, OnDelete, Table, TableId, quote_ident};
use crate::request::{Action, Fate, Fault, Problem, Request};

/// The tables whose rows go or change with those of a request, and what becomes of them: each once.
pub(super) fn events(
    table: &Table,
    request: &Request,
    dependents: &[Tied],
    consequences: &[Consequence],
) -> BTreeSet<(TableId, Event)> {
    let mut events = BTreeSet::new();
    let mut note = |id: Option<&TableId>, event| {
        events.extend(id.map(|id| (id.clone(), event)));
    };
    match request.action {
        Action::Delete => note(Some(&table.id), Event::Delete),
        Action::Update(_) => note(Some(&table.id), Event::Update),
        Action::Read(_) => {}
    }
    for tied in dependents {
        let event = match tied.fate {
            Fate::Delete => Event::Delete,
            Fate::Unlink => Event::Update,
        };
        note(tied.path.child(), event);
    }
    for consequence in consequences {
        let event = match consequence.path.rule() {
            Some(OnDelete::Cascade) => Event::Delete,
            _ => Event::Update,
        };
        note(consequence.path.child(), event);
    }
    events
}

/// Refuses what would not come out as it is written.
///
/// # Errors
/// `delete-rule`, `update-rule`, `disabled-key`, `inherited-table`, `no-replica-identity`, `broken-key`, `zoned-tie`.
pub(super) fn nothing_behind(
    events: &BTreeSet<(TableId, Event)>,
    table: &Table,
    dependents: &[Tied],
    catalog: &Catalog,
) -> Result<(), Fault> {
    if catalog.is_replica() && !events.is_empty() {
        return Err(refused(
            "disabled-key",
            "`session_replication_role` is `replica` for this role or database, so that no foreign key holds or \
             acts and rows would be left that refer to nothing: ALTER ROLE … RESET session_replication_role, or \
             ALTER DATABASE …"
                .to_owned(),
        ));
    }
    let named = |id: &TableId| {
        let mut dependents = dependents.iter();
        *id == table.id || dependents.any(|tied| tied.path.child() == Some(id))
    };
    for (id, event) in events {
        let Some(table) = catalog.by_id(id) else {
            continue;
        };
        no_rule(table, *event)?;
        if named(id) {
            no_heirs(table)?;
        }
        let leaves = catalog.leaves(table).into_iter().flatten();
        for holder in leaves.chain([Arc::clone(table)]) {
            publishable(&holder, *event)?;
            if *event == Event::Delete {
                let mut keys = holder.referenced_by.iter();
                keys.try_for_each(|key| ties_the_same(key, catalog))?;
            }
        }
        if *event == Event::Delete {
            for key in &table.referenced_by {
                in_force(key)?;
                covers_heirs(key, catalog)?;
            }
            for key in table.referenced_by.iter().chain(&table.foreign_keys) {
                leads_somewhere(key, catalog)?;
            }
        }
    }
    Ok(())
}

fn no_rule(table: &Table, event: Event) -> Result<(), Fault> {
    let deletes = event == Event::Delete;
    let mut rules = table.behind.rules.iter();
    let Some(rule) = rules.find(|rule| rule.on_delete == deletes) else {
        return Ok(());
    };
    let (code, on, what) = match event {
        Event::Delete => ("delete-rule", "ON DELETE", "go"),
        Event::Update => ("update-rule", "ON UPDATE", "change"),
    };
    let (table_name, name) = (table.sql_name(), quote_ident(&rule.name));
    Err(refused(
        code,
        format!(
            "`{}` has the rule `{}` {on}: the database carries out another statement than besom's, and what it \
             answers about rows that {what} is not so. If rows are to {what}, take it away (DROP RULE {name} ON \
             {table_name}); if they are to be marked instead, write that as a job that updates",
            table.id, rule.name
        ),
    ))
}

fn no_heirs(table: &Table) -> Result<(), Fault> {
    if table.heirs().is_empty() {
        return Ok(());
    }
    Err(refused(
        "inherited-table",
        format!(
            "{} from `{}`, which shows their rows as its own, and a change of that table would leave them: name {} \
             in a job instead, let {} go (ALTER TABLE … NO INHERIT {}), or make the table a partitioned one",
            inherit(table.heirs()),
            table.id,
            them(table.heirs(), "the table"),
            them(table.heirs(), "it"),
            table.sql_name()
        ),
    ))
}

/// A foreign key reaches the rows of the child itself. Those of a table that inherits from it are held or taken only
/// by a key of their own.
fn covers_heirs(key: &ForeignKey, catalog: &Catalog) -> Result<(), Fault> {
    let Some(child) = catalog.by_id(&key.child) else {
        return Ok(());
    };
    let covered = |id: &TableId| {
        let heir = catalog.by_id(id);
        heir.is_some_and(|heir| {
            let mut own = heir.foreign_keys.iter();
            own.any(|own| own.parent == key.parent && own.columns == key.columns)
        })
    };
    let mut all = Vec::new();
    heirs_of(child, catalog, &mut all);
    all.retain(|(id, _)| !covered(id));
    let mut bare: Vec<TableId> = all.iter().map(|(id, _)| id.clone()).collect();
    bare.dedup();
    if bare.is_empty() {
        return Ok(());
    }
    // Whose parent is let go itself goes with it.
    let let_go = all.iter().filter(|(_, parent)| !bare.contains(parent));
    let let_go: Vec<_> = let_go
        .map(|(heir, parent)| {
            let [heir, parent] = [heir, parent]
                .map(|id| format!("{}.{}", quote_ident(&id.schema), quote_ident(&id.name)));
            format!("ALTER TABLE {heir} NO INHERIT {parent}")
        })
        .collect();
    Err(refused(
        "inherited-table",
        format!(
            "{} from `{}`, and foreign key `{}` of that table does not reach their rows: those that refer to a \
             row of `{}` that goes would refer to nothing. Give {} a foreign key like it, or let {} go ({})",
            inherit(&bare),
            key.child,
            key.name,
            key.parent,
            them(&bare, "that table"),
            them(&bare, "it"),
            let_go.join("; ")
        ),
    ))
}

/// Everything that inherits from the table, each with what it inherits from.
fn heirs_of(table: &Table, catalog: &Catalog, found: &mut Vec<(TableId, TableId)>) {
    for id in table.heirs() {
        let pair = (id.clone(), table.id.clone());
        if !found.contains(&pair) {
            found.push(pair);
            if let Some(heir) = catalog.by_id(id) {
                heirs_of(heir, catalog, found);
            }
        }
    }
}

fn in_force(key: &ForeignKey) -> Result<(), Fault> {
    if !key.disabled {
        return Ok(());
    }
    let tables = [&key.parent, &key.child].map(|id| {
        let (schema, name) = (quote_ident(&id.schema), quote_ident(&id.name));
        format!("ALTER TABLE {schema}.{name} ENABLE TRIGGER ALL")
    });
    Err(refused(
        "disabled-key",
        format!(
            "foreign key `{}` of `{}` is switched off (DISABLE TRIGGER): it neither holds a row of `{}` nor takes \
             along what refers to it, which would then refer to nothing. Switch it on ({}), or drop it",
            key.name,
            key.child,
            key.parent,
            tables.join("; ")
        ),
    ))
}

/// SQLite takes a foreign key that refers to a table which is not there, or to columns that do not identify a row, and
/// then refuses every delete at either end. Nobody notices as long as an application leaves `foreign_keys` off.
fn leads_somewhere(key: &ForeignKey, catalog: &Catalog) -> Result<(), Fault> {
    let same = |columns: &[&str]| {
        let referred_to = |column: &&str| key.parent_columns.iter().any(|of| of == column);
        columns.len() == key.columns.len()
            && columns.len() == key.parent_columns.len()
            && columns.iter().all(referred_to)
    };
    let identifies = |parent: &Table| {
        let mut indexes = parent.indexes.iter();
        let key: Vec<_> = parent.primary_key.iter().map(String::as_str).collect();
        same(&key)
            || indexes.any(|index| {
                let columns = index.columns.iter().map(|column| column.name.as_deref());
                let columns: Option<Vec<_>> = columns.collect();
                index.unique && index.predicate.is_none() && columns.is_some_and(|of| same(&of))
            })
    };
    let parent = catalog.by_id(&key.parent);
    if let Some(index) = &key.mismatched {
        let columns = key.parent_columns.join(", ");
        return Err(refused(
            "broken-key",
            format!(
                "foreign key `{}` of `{}` refers to `{}` by {columns}, and the unique index `{index}` on that is of \
                 another collation than the column itself, which SQLite calls a foreign key mismatch: CREATE UNIQUE INDEX \
                 on {columns} of it without a COLLATE, or make the table anew without the key. SQLite refuses every \
                 delete at either end",
                key.name, key.child, key.parent
            ),
        ));
    }
    if catalog.dialect() == Dialect::Postgres || parent.is_some_and(|parent| identifies(parent)) {
        return Ok(());
    }
    let way_out = match parent {
        None => {
            "which is not there: make that table, or make this one anew without the key".to_owned()
        }
        Some(_) => format!(
            "by columns that are neither its primary key nor UNIQUE together: CREATE UNIQUE INDEX on {} of it, or make \
             the table anew without the key",
            key.parent_columns.join(", ")
        ),
    };
    Err(refused(
        "broken-key",
        format!(
            "foreign key `{}` of `{}` refers to `{}` {way_out}. SQLite refuses every delete at either end",
            key.name, key.child, key.parent
        ),
    ))
}

fn publishable(table: &Table, event: Event) -> Result<(), Fault> {
    let mut found = table.behind.unpublishable.iter();
    let Some(refusing) = found.find(|found| match event {
        Event::Delete => found.deletes,
        Event::Update => found.updates,
    }) else {
        return Ok(());
    };
    let what = match event {
        Event::Delete => "deletes",
        Event::Update => "updates",
    };
    Err(refused(
        "no-replica-identity",
        format!(
            "publication `{}` publishes {what} of `{}`, which {}: the database refuses every one of them. Give it a \
             primary key, or ALTER TABLE {} REPLICA IDENTITY FULL, or take it out of the publication",
            refusing.publication,
            table.id,
            refusing.why,
            table.sql_name()
        ),
    ))
}

/// `` `public.a` and `public.b` inherit ``
fn inherit(heirs: &[TableId]) -> String {
    /// More names than this are a list, not a message.
    const MOST_NAMED: usize = 5;
    let named = heirs.iter().take(MOST_NAMED);
    let named: Vec<_> = named.map(|id| format!("`{id}`")).collect();
    let more = match heirs.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let verb = match heirs.len() {
        1 => "inherits",
        _ => "inherit",
    };
    format!("{}{more} {verb}", named.join(", "))
}

fn them<'a>(heirs: &[TableId], one: &'a str) -> &'a str {
    match heirs.len() {
        1 => one,
        _ => "them",
    }
}

pub(super) fn refused(code: &str, message: String) -> Fault {
    Fault::Other(Problem::new(code, message))
}

/// The database and not the request is what is refused.
pub(crate) fn is_behind(fault: &Fault) -> bool {
    matches!(
        fault.problem().code.as_str(),
        "delete-rule"
            | "update-rule"
            | "disabled-key"
            | "inherited-table"
            | "no-replica-identity"
            | "broken-key"
            | "zoned-tie"
    )
}
