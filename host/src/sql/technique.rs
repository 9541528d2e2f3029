//! How a batch is kept safe from what others do meanwhile, chosen from the catalog.

use super::Plan;
use crate::catalog::{ForeignKey, OnDelete};
use crate::request::{Action, Condition, Join};
use crate::scope::{Link, Tied};

/// How the rows of a batch are kept from changing under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Technique {
    /// One statement; the database's own re-check of a locked row's columns is enough.
    OneStatement,
    /// Rows and the rows tied to them are locked, then everything is asked again by a fresh
    /// statement: the condition looks at other rows, whose state a single snapshot would not see
    /// change.
    LockThenCheck,
}

impl Plan {
    /// Whether a batch locks tied rows first, and why; the choice is the catalog's and the
    /// condition's, never the plugin's.
    pub fn technique(&self) -> (Technique, &'static str) {
        let locked = |why| (Technique::LockThenCheck, why);
        let mut relations = Vec::new();
        relations_of(&self.request().matching, false, &mut relations);
        if self.only_reads() {
            return (Technique::OneStatement, "rows are only looked at");
        }
        if self.may_take_besides() {
            return locked(
                "a trigger may take further rows, which only a look after the statement sees",
            );
        }
        if let Action::Update(_) = &self.request().action {
            if self.reads_related() {
                return locked("a new value comes from another row");
            }
            return match relations.is_empty() {
                true => (
                    Technique::OneStatement,
                    "the condition looks at the row alone",
                ),
                false => locked("the condition looks at other rows"),
            };
        }
        if self.is_chained() {
            return locked(
                "rows of the table refer to each other: windows tell which, and what hangs together then goes in an order in which nothing holds it; where a row that stays holds the others, unlink-first on that key lets each go by itself",
            );
        }
        if self.protected().next().is_some() {
            return locked("the grant narrows rows that go or change with the swept ones");
        }
        if !self.authorized.consequences().is_empty() {
            // One snapshot does not count a child that is committed while the delete waits for
            // its parent: the rule would take or change it, and the ledger would not know. And a
            // child that is held would hold up the rule, and with it every parent of the batch.
            return locked("a foreign key's rule takes or changes rows");
        }
        let keyless = self.table().primary_key.is_empty() && !self.table().has_rowid;
        if keyless && self.has_dependents() {
            // One that moved while the statement waited for it would stay without them.
            return locked("there is no primary key to find a row by that has moved");
        }
        if self.has_dependents() && self.may_be_kept(self.table()) {
            // They would be gone by the time that is seen, and the statement has committed.
            return locked("a trigger may keep a row whose dependents go");
        }
        if !self
            .authorized
            .dependents()
            .iter()
            .all(|tied| self.refuses_without(tied))
        {
            return locked("a dependent has no foreign key that would refuse the delete");
        }
        if relations.is_empty() {
            return (
                Technique::OneStatement,
                "the condition looks at the row alone",
            );
        }
        for relation in relations {
            let Relation::None { table, on } = relation else {
                return locked("the condition looks at the state of other rows");
            };
            if !self.backed(table, on) {
                return locked("a relation has no foreign key that would refuse the delete");
            }
        }
        (
            Technique::OneStatement,
            "every relation is backed by a foreign key that refuses the delete",
        )
    }

    /// A dependent that appears meanwhile makes the delete of its parent fail.
    fn refuses_without(&self, tied: &Tied) -> bool {
        tied.path
            .0
            .last()
            .is_some_and(|link| self.refusing_key(link).is_some())
    }

    /// The NO ACTION or RESTRICT foreign key that every row tied by `link` refers by.
    pub(crate) fn refusing_key(&self, link: &Link) -> Option<&ForeignKey> {
        if link.matching.is_some() {
            // A child may come to meet it, or no longer, whatever the key says.
            return None;
        }
        let parent = self.catalog.by_id(&link.parent)?;
        parent.referenced_by.iter().find(|key| {
            matches!(key.on_delete, OnDelete::NoAction | OnDelete::Restrict)
                && key.child == link.child
                && key
                    .columns
                    .iter()
                    .zip(&key.parent_columns)
                    .all(|(to, from)| {
                        let mut pairs = link.columns.iter().zip(&link.parent_columns);
                        pairs.any(|(child, parent)| child == to && parent == from)
                    })
        })
    }

    /// A NO ACTION or RESTRICT foreign key on exactly these columns: one of the request's own
    /// restrictions, or of the dependents that it deletes.
    fn backed(&self, table: &str, on: &[Join]) -> bool {
        let Ok(related) = self.find_table(table) else {
            return false;
        };
        let on_these = |key: &ForeignKey| {
            key.child == related.id
                && key.columns.len() == on.len()
                && on.iter().all(|join| {
                    let mut pairs = key.columns.iter().zip(&key.parent_columns);
                    pairs.any(|(child, parent)| *child == join.foreign && *parent == join.local)
                })
        };
        self.authorized.restricting().iter().any(|restriction| {
            match restriction.path.0.as_slice() {
                [link] => link.key.as_ref().is_some_and(on_these),
                _ => false,
            }
        })
    }
}

enum Relation<'a> {
    /// No tied row, whatever its state.
    None {
        table: &'a str,
        on: &'a [crate::request::Join],
    },
    /// Anything that depends on the state of other rows.
    State,
}

fn relations_of<'a>(condition: &'a Condition, negated: bool, found: &mut Vec<Relation<'a>>) {
    match condition {
        Condition::NotExists {
            table,
            on,
            matching: None,
        } if !negated => {
            found.push(Relation::None { table, on });
        }
        Condition::Exists {
            table,
            on,
            matching: None,
        } if negated => {
            found.push(Relation::None { table, on });
        }
        Condition::Exists { .. } | Condition::NotExists { .. } | Condition::BeyondNewest { .. } => {
            found.push(Relation::State);
        }
        Condition::All(of) | Condition::Any(of) => {
            of.iter()
                .for_each(|term| relations_of(term, negated, found));
        }
        Condition::Not(of) => relations_of(of, !negated, found),
        _ => {}
    }
}
