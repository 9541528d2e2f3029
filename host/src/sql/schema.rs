//! The schema that a plan was made for, held against the database.
//!
//! To add a foreign key, a trigger or a rule takes a lock on the table that conflicts with the one which a delete
//! or an update of its rows holds until the commit. So what is read by a snapshot taken under that lock stays true
//! until then. A statement has its locks before its snapshot: see `docs/safety.md`.

use std::collections::BTreeMap;

use super::Plan;
use crate::catalog::{Catalog, Dialect, Event, Facts, TableId, TableKind};
use crate::database::{Bind, Statement};

/// What a plan takes for given about a table whose rows go or change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Premise {
    pub(crate) table: TableId,
    pub(crate) event: Event,
    pub(crate) facts: String,
    oid: u32,
}

impl Plan {
    /// What the plan takes for given, by table and event.
    pub(crate) fn premises(&self) -> Vec<Premise> {
        self.premises_by(&self.catalog)
    }

    /// The same as another catalog has it.
    pub(crate) fn premises_by(&self, catalog: &Catalog) -> Vec<Premise> {
        let none = Facts::default();
        let events = self.authorized.events().into_iter();
        let given = events.map(|(table, event)| {
            let facts = catalog.by_id(&table).map(|table| &table.behind.facts);
            let facts = facts.unwrap_or(&none);
            Premise {
                facts: facts.of(event).to_owned(),
                oid: facts.oid,
                table,
                event,
            }
        });
        given.collect()
    }

    /// PostgreSQL: a condition, that all of it is so.
    pub(crate) fn premises_hold(&self, w: &mut Statement) {
        // In brackets of its own it is worked out once, before the row is looked for.
        w.push("(SELECT current_setting('session_replication_role') <> 'replica' AND NOT EXISTS (SELECT 1 FROM ");
        self.known(w, true);
        w.push(&format!(
            " WHERE known.facts IS DISTINCT FROM {}))",
            Catalog::facts(self.may_reach_partitions())
        ));
    }

    /// PostgreSQL: what there is now, in the order of [`Plan::premises`].
    pub(crate) fn look_at_schema(&self) -> Statement {
        let mut w = Statement::new(Dialect::Postgres);
        w.push(&format!(
            "SELECT CASE WHEN current_setting('session_replication_role') = 'replica' THEN 'replica' ELSE {} END FROM ",
            Catalog::facts(self.may_reach_partitions())
        ));
        self.known(&mut w, false);
        w.push(" ORDER BY known.place");
        w
    }

    /// PostgreSQL: rows of these tables that this transaction has deleted and changed so far, as the server's own
    /// statistics count them, and whether it counts. What earlier transactions of the connection have not reported
    /// yet is among them, so that only the difference of two looks says something.
    pub(crate) fn count_worked_on(&self) -> Statement {
        let mut w = Statement::new(Dialect::Postgres);
        // A row that a change moves to another partition goes there and comes here.
        w.push(
            "SELECT coalesce(sum(pg_stat_get_xact_tuples_deleted(worked.oid) + CASE WHEN worked.changes THEN \
             pg_stat_get_xact_tuples_updated(worked.oid) ELSE 0 END), 0)::bigint, \
             current_setting('track_counts')::bool \
             FROM (SELECT part.oid, bool_or(known.event = 16) AS changes FROM ",
        );
        self.known(&mut w, false);
        w.push(
            " CROSS JOIN LATERAL (SELECT known.oid UNION SELECT relid FROM pg_partition_tree(known.oid)) AS part(oid) \
             GROUP BY part.oid) AS worked",
        );
        w
    }

    /// `unnest(…) AS known(oid, event, …)`
    fn known(&self, w: &mut Statement, facts: bool) {
        let given = self.premises();
        let texts = |of: &dyn Fn(&Premise) -> String| Bind::Texts(given.iter().map(of).collect());
        w.push("unnest(")
            .bind(texts(&|given| given.oid.to_string()))
            .push("::text[]::oid[], ")
            .bind(texts(&|given| given.event.bit().to_string()))
            .push("::text[]::int2[]");
        if facts {
            w.push(", ")
                .bind(texts(&|given| given.facts.clone()))
                .push("::text[]) AS known(oid, event, facts)");
        } else {
            w.push(") WITH ORDINALITY AS known(oid, event, place)");
        }
    }

    fn may_reach_partitions(&self) -> bool {
        self.authorized.events().iter().any(|(id, _)| {
            let table = self.catalog.by_id(id);
            table.is_none_or(|table| table.kind == TableKind::Partitioned)
        })
    }
}

/// The tables about which something is other than it was, and what: the lines that have come and gone.
pub(crate) fn differences(given: &[Premise], found: &[String]) -> BTreeMap<TableId, Vec<String>> {
    let mut different: BTreeMap<TableId, Vec<String>> = BTreeMap::new();
    let none = String::new();
    for (place, was) in given.iter().enumerate() {
        let is = found.get(place).unwrap_or(&none);
        if was.facts == *is {
            continue;
        }
        let lines = different.entry(was.table.clone()).or_default();
        let without = |these: &str, those: &str, sign: char| {
            let lines = these
                .lines()
                .filter(|line| !those.lines().any(|l| l == *line));
            lines
                .map(|line| format!("{sign} {line}"))
                .collect::<Vec<_>>()
        };
        lines.extend(without(&was.facts, is, '-'));
        lines.extend(without(is, &was.facts, '+'));
    }
    different
}
