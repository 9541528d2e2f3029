//! The schema that a plan was made for, held against the database.
//!
//! To add a foreign key, a trigger or a rule takes a lock on the table that conflicts with the one which a delete
//! or an update of its rows holds until the commit. To rename, retype or drop a table or a column takes one that
//! conflicts with the one of whoever reads it. So what is read by a snapshot taken under those locks stays true
//! until the commit. A statement has its locks before its snapshot: see `docs/safety.md`.

use std::collections::BTreeMap;

use super::Plan;
use crate::catalog::{Catalog, Dialect, Event, Facts, Table, TableId, TableKind, Trigger};
use crate::database::{Bind, Statement};

/// What a plan takes for given about a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Premise {
    pub(crate) table: TableId,
    pub(crate) about: About,
    pub(crate) facts: String,
    oid: u32,
}

/// Of what a premise is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum About {
    /// All that takes part where rows go or change.
    Rows(Event),
    /// What the table's name stands for.
    Itself,
    /// What the name of a column stands for.
    Column(String),
    /// PostgreSQL: what sessions are told about their zone, where a time without one is read as UTC, or tied to one that
    /// has a zone.
    Zone,
}

impl About {
    fn event(&self) -> Option<Event> {
        match self {
            Self::Rows(event) => Some(*event),
            Self::Itself | Self::Column(_) | Self::Zone => None,
        }
    }
}

impl Plan {
    /// What the plan takes for given: by table and event, and of each table that it names, and its columns.
    pub(crate) fn premises(&self) -> Vec<Premise> {
        self.premises_by(&self.catalog)
    }

    /// The same as another catalog has it.
    pub(crate) fn premises_by(&self, catalog: &Catalog) -> Vec<Premise> {
        let none = Facts::default();
        let given = |table: &TableId, about: About| {
            let facts = catalog.by_id(table).map(|table| &table.behind.facts);
            let facts = facts.unwrap_or(&none);
            Premise {
                facts: match &about {
                    About::Rows(event) => facts.of(*event).to_owned(),
                    About::Itself if catalog.dialect() == Dialect::Sqlite => {
                        let (root, place) = self.lies_at(table, catalog);
                        format!("{} at page {root}, {place}", facts.itself)
                    }
                    About::Itself => facts.named(None).to_owned(),
                    About::Column(name) => facts.named(Some(name)).to_owned(),
                    About::Zone => catalog.told_zones().to_owned(),
                },
                oid: match about {
                    About::Zone => 0,
                    _ => facts.oid,
                },
                table: table.clone(),
                about,
            }
        };
        let events = self.authorized.events().into_iter();
        let mut premises: Vec<_> = events
            .map(|(table, event)| given(&table, About::Rows(event)))
            .collect();
        for (table, columns) in self.named() {
            premises.push(given(&table, About::Itself));
            let columns = columns.into_iter().map(About::Column);
            premises.extend(columns.map(|about| given(&table, about)));
        }
        let by_zone = self.authorized.goes_by_zone() && !self.catalog.zone_is_declared();
        if self.dialect() == Dialect::Postgres && (by_zone || !self.zoneless().is_empty()) {
            premises.push(given(&self.table().id, About::Zone));
        }
        premises
    }

    /// SQLite: the page at which a table begins, and its place in the schema. A table that was made anew has another
    /// place, and may have the page that became free. A VACUUM that has moved it has made nothing another, and has left
    /// the tables in their order.
    fn lies_at(&self, id: &TableId, catalog: &Catalog) -> (i64, i64) {
        let lies = |catalog: &Catalog, id: &TableId| {
            let table = catalog.by_id(id)?;
            Some((table.behind.facts.root, table.behind.facts.place))
        };
        let (Some(was), Some(is)) = (lies(&self.catalog, id), lies(catalog, id)) else {
            return (0, 0);
        };
        let in_order = || {
            let mut others = self.catalog.tables();
            others.all(|other| match lies(catalog, &other.id) {
                Some((_, place)) => (other.behind.facts.place < was.1) == (place < is.1),
                None => true,
            })
        };
        match catalog.is_vacuumed() && !self.catalog.is_vacuumed() && in_order() {
            true => was,
            false => is,
        }
    }

    /// PostgreSQL: a condition, that all of it is so.
    pub(crate) fn premises_hold(&self, w: &mut Statement) {
        // In brackets of its own it is worked out once, before the row is looked for.
        w.push("(SELECT current_setting('session_replication_role') <> 'replica' AND NOT EXISTS (SELECT 1 FROM ");
        self.known(w, true);
        w.push(&format!(
            " WHERE known.facts IS DISTINCT FROM {}) AND NOT EXISTS (SELECT 1 FROM ",
            Catalog::facts(self.may_reach_partitions())
        ));
        self.used(w, true);
        w.push(&format!(
            " WHERE used.facts IS DISTINCT FROM {}))",
            Catalog::named()
        ));
    }

    /// PostgreSQL: what there is now, in the order of [`Plan::premises`].
    pub(crate) fn look_at_schema(&self) -> Statement {
        let mut w = Statement::new(Dialect::Postgres);
        w.push(&format!(
            "SELECT CASE WHEN current_setting('session_replication_role') = 'replica' THEN 'replica' ELSE {} END, \
             false AS of_names, known.place FROM ",
            Catalog::facts(self.may_reach_partitions())
        ));
        self.known(&mut w, false);
        w.push(&format!(
            " UNION ALL SELECT {}, true, used.place FROM ",
            Catalog::named()
        ));
        self.used(&mut w, false);
        w.push(" ORDER BY 2, 3");
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
             coalesce(sum(pg_stat_get_xact_tuples_deleted(worked.oid)), 0)::bigint, \
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

    /// A trigger of the schema's own may change rows of tables that a batch counts.
    pub(crate) fn fires_triggers(&self) -> bool {
        self.any_fires(|_| true)
    }

    /// Whether such a trigger fires where rows go or change; also where a table is not known.
    pub(super) fn any_fires(&self, such: impl Fn(&Trigger) -> bool) -> bool {
        self.authorized.events().into_iter().any(|(id, event)| {
            let fires = |table: &Table| {
                table.triggers.iter().any(|trigger| {
                    let fires = match event {
                        Event::Delete => trigger.on_delete,
                        Event::Update => trigger.on_update,
                    };
                    fires && such(trigger)
                })
            };
            let table = self.catalog.by_id(&id);
            table.is_none_or(|table| {
                let leaves = self.catalog.leaves_of(table).map(AsRef::as_ref);
                leaves.chain([table.as_ref()]).any(fires)
            })
        })
    }

    /// No row is changed twice in a batch: each table is reached in one way alone. Two keys that let one row go change
    /// it twice, and it counts once.
    pub(crate) fn changes_each_row_once(&self) -> bool {
        let mut reached = vec![&self.table().id];
        for path in self.paths() {
            let Some(child) = path.child() else {
                return false;
            };
            let known =
                |id: &&TableId| self.catalog.holds(id, child) || self.catalog.holds(child, id);
            if reached.iter().any(known) {
                return false;
            }
            reached.push(child);
        }
        true
    }

    /// `unnest(…) AS known(oid, event, …)`
    fn known(&self, w: &mut Statement, facts: bool) {
        let of_rows = |premise: &Premise| {
            let event = premise.about.event()?;
            Some(event.bit().to_string())
        };
        self.unnested(w, facts, of_rows, ["int2[]", "known", "event"]);
    }

    /// `unnest(…) AS used(oid, name, …)`; the name is empty where it is the table's own.
    fn used(&self, w: &mut Statement, facts: bool) {
        let of_names = |premise: &Premise| match &premise.about {
            About::Rows(_) => None,
            About::Itself | About::Zone => Some(String::new()),
            About::Column(name) => Some(name.clone()),
        };
        self.unnested(w, facts, of_names, ["text[]", "used", "name"]);
    }

    fn unnested(
        &self,
        w: &mut Statement,
        facts: bool,
        what: impl Fn(&Premise) -> Option<String>,
        [sql_type, name, column]: [&str; 3],
    ) {
        let given = self.premises();
        let given: Vec<_> = given
            .iter()
            .filter_map(|premise| Some((premise, what(premise)?)))
            .collect();
        let oids = given.iter().map(|(given, _)| given.oid.to_string());
        let whats = given.iter().map(|(_, what)| what.clone());
        w.push("unnest(")
            .bind(Bind::Texts(oids.collect()))
            .push("::text[]::oid[], ")
            .bind(Bind::Texts(whats.collect()))
            .push(&format!("::text[]::{sql_type}"));
        if facts {
            let facts = given.iter().map(|(given, _)| given.facts.clone());
            w.push(", ")
                .bind(Bind::Texts(facts.collect()))
                .push(&format!("::text[]) AS {name}(oid, {column}, facts)"));
        } else {
            w.push(&format!(
                ") WITH ORDINALITY AS {name}(oid, {column}, place)"
            ));
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
