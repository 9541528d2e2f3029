//! What is in the tables, what the ledger says, and whether the two agree.

use std::collections::BTreeMap;

use besom::database::Statement;
use besom::request::Batch;
use besom_tests::lab::Lab;

use super::cell::{Cell, Change, INSERTED, MOVED, RACED, Role};

/// A row: what it refers to, and whether it is live.
pub type Row = (Option<i64>, bool);

/// The rows of each table by id.
pub type Tables = BTreeMap<&'static str, BTreeMap<i64, Row>>;

pub async fn tables(lab: &Lab) -> Tables {
    let mut session = lab.session().await;
    let mut all = Tables::new();
    for name in ["item", "note", "mark"] {
        let mut statement = Statement::new(lab.dialect());
        statement.push(&format!("SELECT id, up, live FROM {name}"));
        let rows = session.fetch(&statement).await.unwrap();
        let rows = rows.iter().map(|row| {
            let number = |index| row.get(index).as_integer();
            (number(0).unwrap(), (number(1), number(2) == Some(1)))
        });
        all.insert(name, rows.collect());
    }
    all
}

/// The tables as the application alone would leave them.
pub fn changed(mut tables: Tables, cell: &Cell) -> Tables {
    let leaf = tables.get_mut(cell.leaf()).unwrap();
    match cell.change {
        Change::Insert => drop(leaf.insert(INSERTED, (Some(RACED), true))),
        Change::TurnLive => drop(leaf.insert(RACED, (Some(RACED), true))),
        Change::Move => drop(leaf.insert(MOVED, (Some(RACED), true))),
        Change::Revive => drop(tables.get_mut("item").unwrap().insert(RACED, (None, true))),
    }
    tables
}

/// Rows that went, or lost what they referred to, by table. Anything else that happened to a row
/// is an error.
pub fn taken(before: &Tables, after: &Tables) -> Result<BTreeMap<&'static str, u64>, String> {
    let mut taken = BTreeMap::new();
    for (table, rows) in before {
        let left = &after[table];
        let mut count = 0;
        for (id, row) in rows {
            match left.get(id) {
                Some(now) if now == row => {}
                Some((None, live)) if *live == row.1 && row.0.is_some() => count += 1,
                None => count += 1,
                Some(now) => return Err(format!("{table} {id} was {row:?} and is {now:?}")),
            }
        }
        if let Some(id) = left.keys().find(|id| !rows.contains_key(id)) {
            return Err(format!("{table} {id} came from nowhere"));
        }
        taken.insert(*table, count);
    }
    Ok(taken)
}

/// Rows that refer to a row that is not there.
pub fn orphans(tables: &Tables) -> Vec<(&'static str, i64)> {
    let mut orphans = Vec::new();
    for (table, above) in [("note", "item"), ("mark", "note")] {
        for (id, (up, _)) in &tables[table] {
            if up.is_some_and(|up| !tables[above].contains_key(&up)) {
                orphans.push((table, *id));
            }
        }
    }
    orphans
}

/// What the ledger must say of what was taken.
pub fn owed(cell: &Cell, taken: &BTreeMap<&'static str, u64>) -> Batch {
    let (notes, marks) = (taken["note"], taken["mark"]);
    let (dependents, cascaded) = match cell.role {
        Role::Outside => (0, notes + marks),
        Role::Grandchild => (notes + marks, 0),
        Role::DeleteFirst | Role::UnlinkFirst | Role::BelowDependent => (notes, marks),
    };
    Batch {
        affected: taken["item"],
        dependents,
        cascaded,
        ..Batch::default()
    }
}

/// The sum over the ledger of rows changed, as [`owed`] puts it.
pub async fn recorded(lab: &Lab) -> Batch {
    let sum = |column: &str| format!("CAST(coalesce(sum({column}), 0) AS bigint)");
    let mut statement = Statement::new(lab.dialect());
    statement.push(&format!(
        "SELECT {}, {}, {} FROM besom_batch",
        sum("affected"),
        sum("dependents"),
        sum("cascaded")
    ));
    let row = lab.session().await.fetch_one(&statement).await.unwrap();
    Batch {
        affected: row.get(0).as_count(),
        dependents: row.get(1).as_count(),
        cascaded: row.get(2).as_count(),
        ..Batch::default()
    }
}
