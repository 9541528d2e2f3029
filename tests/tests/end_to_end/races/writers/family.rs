//! The tables: items, their notes, the notes' marks, and audits that hold an item.

use std::collections::BTreeMap;

use besom::catalog::Dialect;
use besom::request::{Batch, Comparison, Condition, Join, Request, Value};

/// How notes and marks go with their item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// The request takes them along.
    Dependents,
    /// Their foreign keys do.
    Cascades,
}

/// Items there may be. Few, so that two that write meet at one.
pub const ITEMS: u64 = 150;

impl Family {
    /// Every table has the columns `id, up, live`, so that one journal does for all.
    pub fn schema(self, dialect: Dialect) -> String {
        let rule = match self {
            Self::Dependents => "NO ACTION",
            Self::Cascades => "CASCADE",
        };
        let mut sql = String::from(match dialect {
            Dialect::Postgres => POSTGRES,
            Dialect::Sqlite => SQLITE,
        });
        for (table, up) in [
            ("item", String::new()),
            ("note", format!("NOT NULL REFERENCES item ON DELETE {rule}")),
            ("mark", format!("NOT NULL REFERENCES note ON DELETE {rule}")),
            (
                "audit",
                "NOT NULL REFERENCES item ON DELETE RESTRICT".to_owned(),
            ),
        ] {
            sql.push_str(&format!(
                "CREATE TABLE {table} (id INTEGER PRIMARY KEY, up INTEGER {up}, live BOOLEAN NOT NULL);
                 CREATE INDEX {table}_up ON {table} (up);\n"
            ));
            match dialect {
                Dialect::Postgres => sql.push_str(&format!(
                    "CREATE TRIGGER zz_journal AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION journal();\n"
                )),
                Dialect::Sqlite => {
                    for (operation, it) in [("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")] {
                        sql.push_str(&format!(
                            "CREATE TRIGGER {table}_{operation} AFTER {operation} ON {table} BEGIN
                             INSERT INTO journal (xid, besom, op, place, id, up, live)
                             SELECT (SELECT sum(seq) FROM besom_run), NOT writer, '{operation}', '{table}', {it}.id, {it}.up, {it}.live FROM who;
                             END;\n"
                        ));
                    }
                }
            }
        }
        sql
    }

    /// Dead items without a live note.
    pub fn request(self) -> Request {
        let live = |is| Condition::Compare {
            column: "live".into(),
            operator: Comparison::Equal,
            to: Value::Boolean(is),
        };
        let up = || vec![Join::new("up", "id")];
        let lonely = Condition::NotExists {
            table: "note".into(),
            on: up(),
            matching: Some(Box::new(live(true))),
        };
        let request = Request::delete("item", Condition::All(vec![live(false), lonely]));
        match self {
            Self::Cascades => request,
            Self::Dependents => {
                request
                    .delete_first("note", up(), None)
                    .delete_first("mark", up(), Some(0))
            }
        }
    }

    /// What the ledger must say of the rows that besom deleted, by table.
    pub fn owed(self, taken: &BTreeMap<String, u64>) -> Batch {
        let of = |table: &str| taken.get(table).copied().unwrap_or_default();
        let below = of("note") + of("mark");
        let (dependents, cascaded) = match self {
            Self::Dependents => (below, 0),
            Self::Cascades => (0, below),
        };
        Batch {
            affected: of("item"),
            dependents,
            cascaded,
            ..Batch::default()
        }
    }
}

/// The name of the trigger sorts behind those of foreign keys: an entry's number is drawn when every
/// lock is held, so changes that exclude each other are numbered as they are committed.
const POSTGRES: &str = "
    CREATE TABLE journal (seq bigserial PRIMARY KEY, xid bigint, besom boolean, op text, place text, id bigint, up bigint, live boolean);
    CREATE FUNCTION journal() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        it record := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    BEGIN
        INSERT INTO journal (xid, besom, op, place, id, up, live)
        VALUES (txid_current(), current_setting('application_name') = 'besom', TG_OP, TG_TABLE_NAME, it.id, it.up, it.live);
        RETURN NULL;
    END $$;\n";

/// One writes at a time, so the journal's own order is the order. A writer says that it is one, for
/// as long as its transaction lasts; the fence numbers besom's.
const SQLITE: &str = "
    CREATE TABLE who (writer INTEGER NOT NULL);
    INSERT INTO who VALUES (0);
    CREATE TABLE journal (seq INTEGER PRIMARY KEY, xid INTEGER, besom INTEGER, op TEXT, place TEXT, id INTEGER, up INTEGER, live INTEGER);\n";
