//! The steps of a batch that locks first and then asks again, on PostgreSQL: mode B of
//! `docs/safety.md`.

use std::sync::Arc;

use super::Plan;
use super::batch::{TALLY, named_keys, same_key};
use super::chains::Hold;
use super::eligible::same_row;
use super::family::VICTIMS;
use super::fit::Among;
use super::physical::key_types;
use super::signs::{key_fields, sign};
use super::tie::Sure;
use super::window::{Window, key_columns, selected};
use super::writer::{Row, Writer};
use crate::catalog::{Dialect, Table};
use crate::database::{Bind, Statement};
use crate::request::{Comparison, Condition, Fault, Join, Source};

/// Keys of rows in the database's text form, one list a key column.
pub type Keys = Vec<Vec<String>>;

impl Plan {
    /// First step of a locking batch: the window's eligible rows, those that could be locked
    /// marked by a last column. A row that another transaction holds is left to it.
    pub(crate) fn look_and_lock(&self, window: &Window) -> Result<Statement, Fault> {
        let mut w = Writer::new(Dialect::Postgres);
        w.plan_each_time();
        let row = w.row(self.table());
        w.push("WITH look AS MATERIALIZED (SELECT ")
            .push(&named_keys(&row))
            .push(" FROM ");
        self.swept(&mut w, &row)?;
        w.push(" WHERE ");
        self.doomed(&mut w, &row, window)?;
        let again = w.row(self.table());
        w.push("), held AS MATERIALIZED (SELECT ")
            .push(&named_keys(&again))
            .push(" FROM look JOIN ");
        self.swept(&mut w, &again)?;
        w.push(" ON ").push(&same_key(&again, "look"));
        w.push(&format!(" FOR UPDATE OF {} SKIP LOCKED)", again.alias));
        let names: Vec<_> = (0..key_columns(&row).len())
            .map(|i| format!("look.k{i}"))
            .collect();
        let on = same_keys(self.table(), names.len(), "held", "look");
        w.push(" SELECT ")
            .push(&selected(Dialect::Postgres, &names));
        w.push(", held.k0 IS NOT NULL FROM look LEFT JOIN held ON ")
            .push(&on);
        Ok(w.finish())
    }

    /// Second step: for every set of rows tied to the kept ones, lock them and answer the keys of
    /// those kept rows whose tied rows could not all be locked.
    pub(crate) fn lock_tied(&self, keys: &Keys) -> Result<Vec<Statement>, Fault> {
        let mut statements = self.lock_relations(keys, |_| true)?;
        let dependents = self.authorized.dependents().iter().map(|tied| &tied.path);
        let consequences = self.authorized.consequences().iter().map(|c| &c.path);
        for path in dependents.chain(consequences) {
            let tables = self.tables_of(&path.0)?;
            statements.push(self.lock_chain(keys, "UPDATE", |w, root| {
                let mut above = Row {
                    alias: root.to_owned(),
                    table: self.table(),
                };
                for (link, table) in path.0.iter().zip(&tables) {
                    let next = w.row(table);
                    w.push(" JOIN ");
                    self.source(w, &next)?;
                    w.push(" ON ");
                    self.tied_by(w, link, &next, &above)?;
                    above = next;
                }
                Ok(above.alias)
            })?);
        }
        Ok(statements)
    }

    /// The same for what the condition looks at besides what hangs on the row: a piece of that is locked by
    /// itself, and the rest may be very many rows. One of them that changes meanwhile does so behind the piece.
    pub(crate) fn lock_beside_parts(&self, keys: &Keys) -> Result<Vec<Statement>, Fault> {
        let parts = self.parts();
        self.lock_relations(keys, |table| {
            !parts.iter().any(|part| self.is_part(part, table))
        })
    }

    /// Locks what the condition, or a value, looks at, where it ends in such a table.
    fn lock_relations(
        &self,
        keys: &Keys,
        ends_in: impl Fn(&Table) -> bool,
    ) -> Result<Vec<Statement>, Fault> {
        let mut statements = Vec::new();
        let mut chains = Vec::new();
        chains_of(&self.request().matching, &[], &mut chains);
        for assignment in self.assignments() {
            if let Source::Related { table, on, .. } = &assignment.source {
                chains.push(vec![(table.clone(), on.clone())]);
            }
        }
        for chain in &chains {
            let Some((name, _)) = chain.last() else {
                continue;
            };
            let end = self.find_table(name)?;
            if !ends_in(&end) {
                continue;
            }
            let strength = self.strength(chain, &end, &chains)?;
            statements.push(self.lock_chain(keys, strength, |w, root| {
                let mut above = root.to_owned();
                let mut table = Arc::clone(self.table());
                for (name, on) in chain {
                    let related = self.find_table(name)?;
                    let next = w.row(&related);
                    w.push(" JOIN ");
                    self.related(w, &next)?;
                    w.push(" ON ");
                    self.joined(
                        w,
                        &Row {
                            alias: above,
                            table: &table,
                        },
                        &next,
                        on,
                        Sure::Possibly,
                    )?;
                    above = next.alias;
                    table = related;
                }
                Ok(above)
            })?);
        }
        Ok(statements)
    }

    /// How rows of `end`, to which a chain leads, are locked. Where further ones are looked for below them,
    /// also against a row that is inserted there, whose foreign key takes KEY SHARE.
    fn strength(
        &self,
        chain: &Chain,
        end: &Table,
        chains: &[Chain],
    ) -> Result<&'static str, Fault> {
        for below in chains.iter().filter(|below| below.starts_with(chain)) {
            let Some((name, on)) = below.get(chain.len()) else {
                continue;
            };
            if refers_by_key(&*self.find_table(name)?, end, on) {
                return Ok("UPDATE");
            }
        }
        Ok("SHARE")
    }

    fn lock_chain(
        &self,
        keys: &Keys,
        strength: &str,
        join: impl Fn(&mut Writer, &str) -> Result<String, Fault>,
    ) -> Result<Statement, Fault> {
        let mut w = Writer::new(Dialect::Postgres);
        w.plan_each_time();
        w.push("WITH ");
        self.kept(&mut w, keys);
        let count = keys.len();
        let names: Vec<_> = (0..count).map(|i| format!("kept.k{i}")).collect();
        let names = names.join(", ");
        // Counted by parent: a parent with fewer locked than tied rows has one that is held.
        for (cte, lock) in [("tied", false), ("held", true)] {
            w.push(&format!(
                ", {cte} AS MATERIALIZED (SELECT {names} FROM kept JOIN "
            ));
            let root = w.row(self.table());
            self.swept(&mut w, &root)?;
            w.push(" ON ").push(&same_key(&root, "kept"));
            let end = join(&mut w, &root.alias)?;
            if lock {
                w.push(&format!(" FOR {strength} OF {end} SKIP LOCKED"));
            }
            w.push(")");
        }
        let bare: Vec<_> = (0..count).map(|i| format!("k{i}")).collect();
        let bare = bare.join(", ");
        let on = same_keys(self.table(), count, "h", "t");
        let out: Vec<_> = (0..count).map(|i| format!("t.k{i}")).collect();
        w.push(&format!(
            " SELECT {} FROM (SELECT {bare}, count(*) AS n FROM tied GROUP BY {bare}) AS t \
             LEFT JOIN (SELECT {bare}, count(*) AS n FROM held GROUP BY {bare}) AS h ON {on} \
             WHERE t.n <> coalesce(h.n, 0)",
            selected(Dialect::Postgres, &out),
        ));
        Ok(w.finish())
    }

    /// Last step: the kept rows that still meet the whole condition go, or change; the rest was
    /// revived. Of a window it is counted how many rows it spans and how many of them are held. Behind the counts
    /// stands how many rows were kept although others have gone because of them.
    pub(crate) fn act_on_kept(
        &self,
        window: Option<&Window>,
        keys: &Keys,
        locked: u64,
        record: impl FnOnce(&mut Statement),
    ) -> Result<Statement, Fault> {
        let mut w = Writer::new(Dialect::Postgres);
        w.plan_each_time();
        let picked = self.hold() == Hold::Checked;
        w.push(if picked { "WITH RECURSIVE " } else { "WITH " });
        self.kept(&mut w, keys);
        let fit = match picked {
            true => {
                w.push(", ");
                Some(self.fit(&mut w, Among::Kept)?)
            }
            false => None,
        };
        let row = w.row(self.table());
        let part = if self.has_dependents() || picked {
            w.push(&format!(", {VICTIMS} AS MATERIALIZED (SELECT "))
                .push(&self.carried(&row, &[]))
                .push(" FROM kept JOIN ");
            self.swept(&mut w, &row)?;
            w.push(" ON ").push(&same_key(&row, "kept")).push(" WHERE ");
            match fit {
                Some(fit) => {
                    w.truth(true);
                    self.is_fit(&mut w, &row, fit);
                }
                None => self.goes_now(&mut w, &row, Among::Kept)?,
            }
            w.push(")");
            self.dependent_parts(&mut w, false)?;
            self.act_on_dependents(&mut w)?;
            VICTIMS
        } else {
            "kept"
        };
        let again = w.row(self.table());
        w.push(", gone AS (");
        self.act_on(&mut w, &again, Some(part))?;
        if part == VICTIMS {
            let victim = Row {
                alias: VICTIMS.to_owned(),
                table: self.table(),
            };
            w.push(&same_row(&again, &victim));
        } else {
            w.push(&same_key(&again, "kept")).push(" AND ");
            self.goes_now(&mut w, &again, Among::Kept)?;
        }
        w.push(" RETURNING ")
            .push(&self.carried(&again, &[]))
            .push("), tally AS (SELECT ");
        match window {
            Some(window) => self.examined(&mut w, window)?,
            None => drop(w.push("0")),
        }
        w.push(" AS examined, (SELECT count(*) FROM gone) - ");
        self.count_riders(&mut w, "gone");
        w.push(" AS affected, ");
        self.count_acted_on_dependents(&mut w);
        w.push(" AS dependents, ");
        self.cascaded(&mut w, "gone", None)?;
        w.push(" + ");
        self.count_riders(&mut w, "gone");
        w.push(" AS cascaded, ")
            .bind(locked)
            .push("::bigint AS locked, ");
        match (window, picked) {
            (Some(window), true) => {
                // What was let go for a locked row counts as locked, and the rest is held by it.
                w.push("greatest(0, ");
                self.held_among_picked(&mut w, window, "gone")?;
                w.push(" - ").bind(locked).push("::bigint)");
            }
            (Some(window), false) => self.blocked(&mut w, window)?,
            (None, _) => drop(w.push("0")),
        }
        w.push(" AS blocked, ").push(match picked {
            true => "0 AS revived)",
            false => "(SELECT count(*) FROM kept) - (SELECT count(*) FROM gone) AS revived)",
        });
        record(&mut w);
        w.push(" SELECT ").push(&TALLY.join(", ")).push(", ");
        match self.gives_up_others() && part == VICTIMS {
            true => self.count_kept(&mut w)?,
            false => drop(w.push("0::bigint")),
        }
        w.push(" FROM record");
        Ok(w.finish())
    }

    /// `kept (k0, …)`: the keys as rows.
    pub(super) fn kept(&self, w: &mut Writer, keys: &Keys) {
        rows_of_keys(w, "kept", keys, &key_types(self.table()));
    }
}

/// Two parts of a statement have the same key of that table, under `k0, …`.
fn same_keys(table: &Table, count: usize, one: &str, other: &str) -> String {
    let fields = key_fields(table).into_iter().take(count);
    let same = fields.enumerate().map(|(i, field)| {
        let sign = sign(field, Comparison::Equal);
        format!("{one}.k{i} {sign} {other}.k{i}")
    });
    same.collect::<Vec<_>>().join(" AND ")
}

/// `name (k0, …) AS (…)`: keys of these types as rows.
pub(super) fn rows_of_keys(w: &mut Writer, name: &str, keys: &Keys, types: &[String]) {
    let names: Vec<_> = (0..keys.len()).map(|i| format!("k{i}")).collect();
    w.push(&format!("{name} ({}) AS (SELECT ", names.join(", ")));
    // Each text by itself: an array of arrays would fall apart.
    for (index, sql_type) in types.iter().enumerate() {
        w.push(if index > 0 { ", " } else { "" })
            .push(&format!("u.k{index}::{sql_type}"));
    }
    w.push(" FROM unnest(");
    for (index, list) in keys.iter().enumerate() {
        w.push(if index > 0 { ", " } else { "" })
            .bind(Bind::Texts(list.clone()))
            .push("::text[]");
    }
    w.push(&format!(") AS u({}))", names.join(", ")));
}

/// By a foreign key of its own `child` is tied to `parent` in the joined columns, or in some of them.
fn refers_by_key(child: &Table, parent: &Table, on: &[Join]) -> bool {
    let mut keys = child.foreign_keys.iter();
    keys.any(|key| {
        let mut pairs = key.columns.iter().zip(&key.parent_columns);
        key.parent == parent.id
            && pairs.all(|(from, to)| {
                on.iter()
                    .any(|join| join.foreign == *from && join.local == *to)
            })
    })
}

pub(super) type Chain = Vec<(String, Vec<Join>)>;

/// Every relation that a condition looks at, as the joins that lead to it.
pub(super) fn chains_of(
    condition: &Condition,
    above: &[(String, Vec<Join>)],
    found: &mut Vec<Chain>,
) {
    match condition {
        Condition::Exists {
            table,
            on,
            matching,
        }
        | Condition::NotExists {
            table,
            on,
            matching,
        } => {
            let mut chain = above.to_vec();
            chain.push((table.clone(), on.clone()));
            found.push(chain.clone());
            if let Some(matching) = matching {
                chains_of(matching, &chain, found);
            }
        }
        Condition::All(of) | Condition::Any(of) => {
            of.iter().for_each(|term| chains_of(term, above, found));
        }
        Condition::Not(of) => chains_of(of, above, found),
        _ => {}
    }
}
