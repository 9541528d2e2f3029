//! What a job needs of its grant: its access list, and what the foreign keys' rules do along with its
//! deletes. What the file gives beyond that is `unused-grant`.

use std::collections::BTreeSet;

use crate::catalog::{Catalog, TableId};
use crate::config::PluginConfig;
use crate::preflight::{Finding, Rehearsed, Severity, foreign_keys};
use crate::request::{Action, Condition, Fate, Request, Right};
use crate::scope::{Grants, TableGrant, by_rule};

/// What a job needs, under the catalog's spelling. `said` is its access list.
pub(super) fn needed(said: &Grants, rehearsed: &Rehearsed, catalog: &Catalog) -> Grants {
    let mut needed = said.clone();
    let mut deleted_from = BTreeSet::new();
    for plan in &rehearsed.plans {
        for consequence in plan.authorized.consequences() {
            if let Some(child) = consequence.path.child() {
                add(&mut needed, child, &consequence.takes(), catalog);
            }
        }
        deleted_from.extend(loses_rows(plan.request(), catalog));
    }
    // A request that depends on what an earlier one finds is not heard in a rehearsal.
    for (name, grant) in &said.tables {
        let Ok(table) = catalog.table(name) else {
            continue;
        };
        if !grant.delete || deleted_from.contains(&table.id) {
            continue;
        }
        let unheard = Request::delete(name.clone(), Condition::Everything);
        for key in foreign_keys(&unheard, catalog) {
            let takes = by_rule(&key);
            if takes.changes() {
                add(&mut needed, &key.child, &takes, catalog);
            }
        }
    }
    needed
}

fn add(needed: &mut Grants, table: &TableId, takes: &TableGrant, catalog: &Catalog) {
    let name = catalog.spelling(table);
    needed.tables.entry(name).or_default().add_rights(takes);
}

/// The tables from which a request itself deletes.
fn loses_rows(request: &Request, catalog: &Catalog) -> Vec<TableId> {
    if request.action != Action::Delete {
        return Vec::new();
    }
    let dependents = request.dependents.iter();
    let gone = dependents.filter(|dependent| dependent.fate == Fate::Delete);
    let names = gone.map(|dependent| &dependent.table);
    let tables = names.chain([&request.table]);
    tables
        .filter_map(|name| Some(catalog.table(name).ok()?.id.clone()))
        .collect()
}

/// What the file says about tables and no job of the plugin makes use of; `needed` is what all of them
/// need together.
pub fn unused_grants(
    plugin: &str,
    config: &PluginConfig,
    needed: &Grants,
    catalog: &Catalog,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut tell = |text| found.push(Finding::new("unused-grant", Severity::Warning, text));
    for (name, grant) in &config.grants.tables {
        let used = catalog.table(name).ok();
        let used = used.and_then(|table| needed.tables.get(&catalog.spelling(&table.id)));
        let Some(used) = used else {
            tell(format!(
                "the file grants `{name}`, which no job of `{plugin}` touches"
            ));
            continue;
        };
        let unused = unused_rights(grant, used);
        if !unused.is_empty() {
            tell(format!(
                "the file grants {} on `{name}`, which no job of `{plugin}` needs",
                unused.join(", ")
            ));
        }
        if grant.narrows() && !used.changes() {
            tell(format!(
                "the file narrows what may be changed of `{name}`, and no job of `{plugin}` changes a row \
                 of it"
            ));
        }
    }
    found
}

/// `delete`, `read` of these columns, each as the file has it.
fn unused_rights(grant: &TableGrant, used: &TableGrant) -> Vec<String> {
    let of_columns = |right: Right, columns: &BTreeSet<String>| {
        let unused = columns.iter().filter(|c| !used.gives(right, Some(c)));
        let unused: Vec<_> = unused.map(|column| format!("`{column}`")).collect();
        (!unused.is_empty()).then(|| format!("`{right}` of {}", unused.join(", ")))
    };
    let of_rows = |right: Right| {
        let unused = grant.gives(right, None) && !used.gives(right, None);
        unused.then(|| format!("`{right}`"))
    };
    let all = [
        of_columns(Right::Read, &grant.read),
        of_columns(Right::Update, &grant.update),
        of_rows(Right::Delete),
        of_rows(Right::AllRows),
    ];
    all.into_iter().flatten().collect()
}
