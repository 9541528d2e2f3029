//! One cell of the table of races: who refers to whom, what besom is asked, what the application
//! changes, and where besom stands meanwhile.

use besom::request::{Comparison, Condition, Join, Request, Value};

/// Items that besom finds dead, by their ids from 1.
pub const ITEMS: i64 = 10;

/// The item that is raced for.
pub const RACED: i64 = 4;

/// An item that is live throughout, and the id of the row that is moved away from it.
pub const LIVE_ITEM: i64 = 100;
pub const MOVED: i64 = 50;

/// A row that the application inserts.
pub const INSERTED: i64 = 99;

/// How the leaf refers to the row above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    NoAction,
    Restrict,
    Cascade,
    SetNull,
    Deferred,
    /// No foreign key: only the request says that the rows belong together.
    Unenforced,
}

pub const RULES: [Rule; 5] = [
    Rule::NoAction,
    Rule::Restrict,
    Rule::Cascade,
    Rule::SetNull,
    Rule::Deferred,
];

impl Rule {
    fn references(self, table: &str) -> String {
        let rule = match self {
            Self::NoAction => "ON DELETE NO ACTION",
            Self::Restrict => "ON DELETE RESTRICT",
            Self::Cascade => "ON DELETE CASCADE",
            Self::SetNull => "ON DELETE SET NULL",
            Self::Deferred => "DEFERRABLE INITIALLY DEFERRED",
            Self::Unenforced => return String::new(),
        };
        format!("REFERENCES {table} {rule}")
    }

    pub fn forbids(self) -> bool {
        matches!(self, Self::NoAction | Self::Restrict | Self::Deferred)
    }
}

/// What the raced row is to the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A child that the request does not take along.
    Outside,
    /// A child that goes first.
    DeleteFirst,
    /// A child that is unlinked first.
    UnlinkFirst,
    /// A child of a child, both of which go first.
    Grandchild,
    /// A child, outside of the request, of a child that goes first.
    BelowDependent,
}

/// What the request says of the leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    NoLiveLeaf,
    NoLeaf,
    Nothing,
}

/// What the application does to the raced item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A live leaf of the item is inserted.
    Insert,
    /// Its dead leaf becomes live.
    TurnLive,
    /// The item itself becomes live.
    Revive,
    /// Another item's live leaf becomes its own.
    Move,
}

pub const CHANGES: [Change; 4] = [
    Change::Insert,
    Change::TurnLive,
    Change::Revive,
    Change::Move,
];

/// Where besom stands when the change is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Anywhere: the change was made before and is not committed until besom has ended.
    Throughout,
    /// In a batch of one statement: behind its snapshot, before its first row.
    Fence,
    /// Behind the look at the items, before the leaves are locked.
    Tied,
    /// Behind every lock, before the delete.
    Act,
    /// Within the delete, before the raced item.
    Deleting,
    /// Within the delete, at the raced item.
    Deleted,
}

pub const GATES: [Gate; 6] = [
    Gate::Throughout,
    Gate::Fence,
    Gate::Tied,
    Gate::Act,
    Gate::Deleting,
    Gate::Deleted,
];

/// One race.
#[derive(Debug, Clone, Copy)]
pub struct Cell {
    pub role: Role,
    pub rule: Rule,
    pub asks: Asks,
    pub change: Change,
    pub gate: Gate,
    /// The application locks the item before it ties something to it, as a foreign key would.
    pub careful: bool,
}

impl Cell {
    /// The leaf is a child of a child.
    pub fn deep(&self) -> bool {
        matches!(self.role, Role::Grandchild | Role::BelowDependent)
    }

    /// The table of the raced row.
    pub fn leaf(&self) -> &'static str {
        if self.deep() { "mark" } else { "note" }
    }

    /// A leaf that is there must not make its item ineligible from the start.
    pub fn has_dead_leaves(&self) -> bool {
        let outside = matches!(self.role, Role::Outside | Role::BelowDependent);
        self.asks != Asks::NoLeaf && !(outside && self.rule.forbids())
    }

    /// Whether there is something to change.
    pub fn is_possible(&self) -> bool {
        self.change != Change::TurnLive || self.has_dead_leaves()
    }

    /// Tables of this race alone, in place of those of the race before.
    pub fn schema(&self) -> String {
        let (note, mark) = match self.deep() {
            true => (
                Rule::NoAction.references("item"),
                self.rule.references("note"),
            ),
            false => (self.rule.references("item"), String::new()),
        };
        let mut sql = format!(
            "DROP TABLE IF EXISTS mark; DROP TABLE IF EXISTS note; DROP TABLE IF EXISTS item;
             DELETE FROM besom_batch;
             CREATE TABLE item (id INTEGER PRIMARY KEY, up INTEGER, live BOOLEAN NOT NULL);
             CREATE TABLE note (id INTEGER PRIMARY KEY, up INTEGER {note}, live BOOLEAN NOT NULL);
             CREATE TABLE mark (id INTEGER PRIMARY KEY, up INTEGER {mark}, live BOOLEAN NOT NULL);
             CREATE INDEX note_up ON note (up);
             CREATE INDEX mark_up ON mark (up);
             INSERT INTO item VALUES {}, ({LIVE_ITEM}, NULL, true);\n",
            dead(|id| format!("({id}, NULL, false)"))
        );
        if self.deep() {
            sql.push_str("INSERT INTO note SELECT id, id, live FROM item;\n");
        }
        let leaf = self.leaf();
        sql.push_str(&format!(
            "INSERT INTO {leaf} VALUES ({MOVED}, {LIVE_ITEM}, true);\n"
        ));
        if self.has_dead_leaves() {
            let rows = dead(|id| format!("({id}, {id}, false)"));
            sql.push_str(&format!("INSERT INTO {leaf} VALUES {rows};\n"));
        }
        match self.gate {
            // The item ahead of it in the table, and so in the delete.
            Gate::Deleting => sql.push_str(&hold_at(RACED - 1)),
            Gate::Deleted => sql.push_str(&hold_at(RACED)),
            _ => {}
        }
        sql
    }

    /// What besom is asked.
    pub fn request(&self) -> Request {
        let up = || vec![Join::new("up", "id")];
        let none = |table: &str, matching: Option<Condition>| Condition::NotExists {
            table: table.into(),
            on: up(),
            matching: matching.map(Box::new),
        };
        let mut terms = vec![live(false)];
        let leaf = match self.asks {
            Asks::Nothing => None,
            Asks::NoLeaf => Some(None),
            Asks::NoLiveLeaf => Some(Some(live(true))),
        };
        match (leaf, self.deep()) {
            (None, _) => {}
            (Some(matching), false) => terms.push(none("note", matching)),
            (Some(matching), true) => {
                let mark = Condition::Exists {
                    table: "mark".into(),
                    on: up(),
                    matching: matching.map(Box::new),
                };
                terms.push(none("note", Some(mark)));
            }
        }
        let request = Request::delete("item", Condition::All(terms));
        match self.role {
            Role::Outside => request,
            Role::DeleteFirst | Role::BelowDependent => request.delete_first("note", up(), None),
            Role::UnlinkFirst => request.unlink_first("note", up(), None),
            Role::Grandchild => {
                request
                    .delete_first("note", up(), None)
                    .delete_first("mark", up(), Some(0))
            }
        }
    }

    /// The application's statement; it answers a row for each row changed.
    pub fn statement(&self) -> String {
        let leaf = self.leaf();
        let above = if self.deep() { "note" } else { "item" };
        let raced = RACED.to_string();
        let (with, from, parent) = match self.careful {
            true => (
                format!("WITH above AS (SELECT id FROM {above} WHERE id = {RACED} FOR KEY SHARE) "),
                "FROM above",
                "above.id",
            ),
            false => (String::new(), "", raced.as_str()),
        };
        let change = match self.change {
            Change::Insert => {
                format!("INSERT INTO {leaf} SELECT {INSERTED}, {parent}, true {from}")
            }
            Change::TurnLive => {
                format!(
                    "UPDATE {leaf} SET live = true {from} WHERE {leaf}.id = {RACED} AND up = {parent}"
                )
            }
            Change::Revive => {
                return format!("UPDATE item SET live = true WHERE id = {RACED} RETURNING 1");
            }
            Change::Move => {
                format!("UPDATE {leaf} SET up = {parent} {from} WHERE {leaf}.id = {MOVED}")
            }
        };
        format!("{with}{change} RETURNING 1")
    }
}

/// A row for each dead item.
fn dead(row: impl Fn(i64) -> String) -> String {
    (1..=ITEMS).map(row).collect::<Vec<_>>().join(", ")
}

fn live(is: bool) -> Condition {
    Condition::Compare {
        column: "live".into(),
        operator: Comparison::Equal,
        to: Value::Boolean(is),
    }
}

/// Holds a delete at an item while somebody has the advisory lock 1. The wait is not bounded by
/// besom's own timeout, which would end the race before it begins.
fn hold_at(item: i64) -> String {
    format!(
        "CREATE OR REPLACE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = '10s' AS $$
         BEGIN
             IF OLD.id = {item} THEN PERFORM pg_advisory_xact_lock_shared(1); END IF;
             RETURN OLD;
         END $$;
         CREATE TRIGGER hold BEFORE DELETE ON item FOR EACH ROW EXECUTE FUNCTION hold();\n"
    )
}
