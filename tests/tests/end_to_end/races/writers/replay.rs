//! The journal, replayed one change at a time against a model of the tables.

use std::collections::{BTreeMap, BTreeSet};

use besom::database::Statement;
use besom_tests::lab::Lab;

/// What a row refers to, and whether it is live.
type Row = (Option<i64>, bool);

type Tables = BTreeMap<String, BTreeMap<i64, Row>>;

/// The tables as the journal leaves them, and what besom took on the way.
pub struct Replayed {
    tables: Tables,
    /// Rows that besom deleted, by table.
    pub taken: BTreeMap<String, u64>,
}

struct Entry {
    transaction: i64,
    besom: bool,
    operation: String,
    table: String,
    id: i64,
    row: Row,
}

/// Replays the journal of the lab's database; the first thing that no serial order allows is the
/// error.
pub async fn of(lab: &Lab) -> Result<Replayed, String> {
    let mut tables = Tables::new();
    let mut taken = BTreeMap::new();
    // The rows that must go in the same transaction as another, and all that went.
    let (mut owed, mut gone) = (BTreeSet::new(), BTreeSet::new());
    for (seq, entry) in journal(lab).await {
        let wrong = |what: &str| {
            let who = if entry.besom { "besom" } else { "a writer" };
            let (
                Entry {
                    operation,
                    table,
                    id,
                    row,
                    ..
                },
                xid,
            ) = (&entry, entry.transaction);
            format!("{what}: {operation} of {table} {id} {row:?} by {who} in {xid}, entry {seq}")
        };
        if entry.besom {
            if entry.operation != "DELETE" {
                return Err(wrong("besom only deletes"));
            }
            eligible(&tables, &entry).map_err(wrong)?;
            *taken.entry(entry.table.clone()).or_default() += 1;
            gone.insert((entry.transaction, entry.table.clone(), entry.id));
            let family = relatives(&tables, &entry).into_iter();
            owed.extend(family.map(|(table, id)| (entry.transaction, table, id)));
        }
        let rows = tables.entry(entry.table.clone()).or_default();
        let before = match entry.operation.as_str() {
            "DELETE" => rows.remove(&entry.id),
            _ => rows.insert(entry.id, entry.row),
        };
        match (entry.operation.as_str(), before) {
            ("INSERT", None) | ("UPDATE", Some(_)) => {}
            // What it was when it went must be what the replay says it was.
            ("DELETE", Some(before)) if before == entry.row => {}
            _ => return Err(wrong("out of order")),
        }
    }
    if let Some(half) = owed.difference(&gone).next() {
        return Err(format!("part of a family went without {half:?}"));
    }
    Ok(Replayed { tables, taken })
}

/// Whether besom may delete the row at this moment.
fn eligible(tables: &Tables, entry: &Entry) -> Result<(), &'static str> {
    let live_note = children(tables, "note", entry.id).any(|(_, live)| live);
    let audited = children(tables, "audit", entry.id).next().is_some();
    match entry.table.as_str() {
        _ if entry.row.1 => Err("a live row was deleted"),
        "item" if live_note => Err("its note is live"),
        "item" if audited => Err("an audit holds it"),
        "audit" => Err("audits are never deleted"),
        _ => Ok(()),
    }
}

/// The row that this one belongs to, and those that are left of what belongs to it.
fn relatives(tables: &Tables, entry: &Entry) -> Vec<(String, i64)> {
    let (above, below) = match entry.table.as_str() {
        "item" => (None, "note"),
        "note" => (Some("item"), "mark"),
        _ => (Some("note"), ""),
    };
    let below = children(tables, below, entry.id).map(|(id, _)| (below.to_owned(), id));
    let above = above.into_iter().zip(entry.row.0);
    let above = above.map(|(table, id)| (table.to_owned(), id));
    below.chain(above).collect()
}

/// The rows of the table that refer to the id, and whether they are live.
fn children<'a>(
    tables: &'a Tables,
    table: &str,
    of: i64,
) -> impl Iterator<Item = (i64, bool)> + use<'a> {
    let rows = tables.get(table).into_iter().flatten();
    rows.filter(move |(_, row)| row.0 == Some(of))
        .map(|(id, row)| (*id, row.1))
}

async fn journal(lab: &Lab) -> Vec<(i64, Entry)> {
    let mut statement = Statement::new(lab.dialect());
    statement.push("SELECT seq, xid, besom, op, place, id, up, live FROM journal ORDER BY seq");
    let rows = lab.session().await.fetch(&statement).await.unwrap();
    let entry = |row: &besom::database::Cells| {
        let number = |index| row.get(index).as_integer();
        let text = |index| row.get(index).as_text().unwrap().to_owned();
        let entry = Entry {
            transaction: number(1).unwrap(),
            besom: number(2) == Some(1),
            operation: text(3),
            table: text(4),
            id: number(5).unwrap(),
            row: (number(6), number(7) == Some(1)),
        };
        (number(0).unwrap(), entry)
    };
    rows.iter().map(entry).collect()
}

impl Replayed {
    /// The tables are what the journal says, and nothing refers to a row that is not there.
    pub async fn ends_as(&self, lab: &Lab) -> Result<(), String> {
        for (table, rows) in &self.tables {
            let mut statement = Statement::new(lab.dialect());
            statement.push(&format!("SELECT id, up, live FROM {table}"));
            let found = lab.session().await.fetch(&statement).await.unwrap();
            let found: BTreeMap<i64, Row> = found
                .iter()
                .map(|row| {
                    let number = |index| row.get(index).as_integer();
                    (number(0).unwrap(), (number(1), number(2) == Some(1)))
                })
                .collect();
            if found != *rows {
                return Err(format!("{table} is not what the journal says"));
            }
            let parents = match table.as_str() {
                "item" => continue,
                "mark" => "note",
                _ => "item",
            };
            let parents = &self.tables[parents];
            if let Some(orphan) = rows
                .iter()
                .find(|(_, row)| row.0.is_none_or(|up| !parents.contains_key(&up)))
            {
                return Err(format!("an orphan in {table}: {orphan:?}"));
            }
        }
        Ok(())
    }

    /// Items that should have gone and are there.
    pub fn left_over(&self) -> Vec<i64> {
        let held = |item: i64| {
            let mut notes = children(&self.tables, "note", item);
            notes.any(|(_, live)| live) || children(&self.tables, "audit", item).next().is_some()
        };
        let items = self.tables.get("item").into_iter().flatten();
        let eligible = items.filter(|(id, row)| !row.1 && !held(**id));
        eligible.map(|(id, _)| *id).collect()
    }
}
