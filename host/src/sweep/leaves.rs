//! The tables of one sweep: one, or the leaves of a partitioned table in turn.

use std::sync::Arc;

use super::checkpoint::hash;
use crate::catalog::Dialect;
use crate::database::{Database, DatabaseError, Statement};
use crate::sql::{Cursor, Leaf, Plan};

/// A plan for each table, and which of them the sweep is at.
#[derive(Debug)]
pub(super) struct Leaves {
    plans: Vec<Arc<Plan>>,
    at: usize,
}

impl Leaves {
    pub(super) fn new(plans: Vec<Arc<Plan>>) -> Self {
        Self { plans, at: 0 }
    }

    /// The plan in hand; `None`: there is no table, or none left.
    pub(super) fn plan(&self) -> Option<&Arc<Plan>> {
        self.plans.get(self.at)
    }

    pub(super) fn at_the_first(&self) -> bool {
        self.at == 0
    }

    pub(super) fn all(&self) -> &[Arc<Plan>] {
        &self.plans
    }

    /// The table in hand and those after it.
    pub(super) fn rest(&self) -> &[Arc<Plan>] {
        self.plans.get(self.at..).unwrap_or_default()
    }

    /// Goes to where a stored cursor points, and answers the cursor to go on from. A leaf that is
    /// gone is passed over; one whose order has changed starts over. `None`: at the end.
    pub(super) fn resume(&mut self, stored: Cursor) -> Option<Cursor> {
        let Some(leaf) = &stored.leaf else {
            // Nothing is stored yet, or a table without leaves.
            self.at = 0;
            let first = self.first()?;
            return Some(match first.leaf {
                Some(_) => first,
                None => stored,
            });
        };
        let name = (leaf.schema.as_str(), leaf.name.as_str());
        self.at = self.plans.partition_point(|plan| name_of(plan) < name);
        let first = self.first()?;
        Some(match first.leaf.as_ref() == Some(leaf) {
            true => stored,
            false => first,
        })
    }

    /// The cursor at the first row of the table in hand; `None`: there is none.
    fn first(&self) -> Option<Cursor> {
        Some(Cursor {
            leaf: leaf_of(self.plan()?),
            ..Cursor::default()
        })
    }

    /// Where the sweep stands after a window of the table in hand, of which `next` is left.
    pub(super) fn onward(&self, next: Option<Cursor>) -> Option<Cursor> {
        match next {
            Some(next) => Some(Cursor {
                leaf: self.plan().and_then(|plan| leaf_of(plan)),
                ..next
            }),
            None => Some(Cursor {
                leaf: leaf_of(self.plans.get(self.at + 1)?),
                ..Cursor::default()
            }),
        }
    }

    /// Leaves the table in hand out of the sweep, and answers the cursor at the next.
    pub(super) fn pass(&mut self) -> Option<Cursor> {
        if self.at < self.plans.len() {
            self.plans.remove(self.at);
        }
        self.first()
    }

    /// [`has_left`] of the leaf in hand.
    pub(super) async fn is_gone(&self, database: &Database) -> Result<bool, DatabaseError> {
        match self.plan() {
            Some(plan) => has_left(database, plan).await,
            None => Ok(false),
        }
    }
}

/// The leaf has been dropped or detached: its rows are no longer the asked table's.
pub(super) async fn has_left(database: &Database, plan: &Plan) -> Result<bool, DatabaseError> {
    let Some(root) = plan.authorized.root() else {
        return Ok(false);
    };
    let mut w = Statement::new(Dialect::Postgres);
    w.push("SELECT count(*) FROM pg_catalog.pg_partition_ancestors(to_regclass(")
        .bind_as(plan.table().sql_name(), "text")
        .push(")) AS above WHERE above.relid = to_regclass(")
        .bind_as(root.sql_name(), "text")
        .push(")");
    let mut session = database.session().await?;
    Ok(session.fetch_one(&w).await?.get(0).as_count() == 0)
}

/// The order in which a plan goes through its table, as far as a cursor depends on it.
pub(super) fn order_of(plan: &Plan) -> String {
    let axis = plan.axis();
    let key = &plan.table().primary_key;
    let settled = (!axis.settled.is_empty()).then_some(&axis.settled);
    match settled {
        None => hash(&(&axis.along, axis.composite, axis.physical, key)),
        Some(settled) => hash(&(&axis.along, axis.composite, axis.physical, key, settled)),
    }
}

fn name_of(plan: &Arc<Plan>) -> (&str, &str) {
    let id = &plan.table().id;
    (&id.schema, &id.name)
}

fn leaf_of(plan: &Plan) -> Option<Leaf> {
    plan.authorized.root()?;
    let id = &plan.table().id;
    Some(Leaf {
        schema: id.schema.clone(),
        name: id.name.clone(),
        order: order_of(plan),
    })
}
