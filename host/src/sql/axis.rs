//! The order of a sweep, and the index that serves it.

use super::Plan;
use super::id::in_order;
use super::measure::out_of_order;
use super::physical;
use super::plan::Forms;
use super::signs::key_fields;
use super::window::key_columns;
use super::writer::{Row, Writer};
use crate::catalog::{Catalog, Column, Dialect, Fixed, Kind, OnDelete, Serving, Table, Term};
use crate::request::{Action, Comparison, Condition, Fate, Fault, Request, Value};
use crate::scope::{Authorized, Path, find_column};

/// Rows of the swept table change because of others that go.
fn lets_go_of_its_own(authorized: &Authorized<Request>, catalog: &Catalog) -> bool {
    let table = &authorized.table().id;
    let own = |path: &Path| path.child().is_some_and(|id| catalog.holds(id, table));
    let mut dependents = authorized.dependents().iter();
    let mut consequences = authorized.consequences().iter();
    dependents.any(|tied| tied.fate == Fate::Unlink && own(&tied.path))
        || consequences.any(|by| {
            let sets = matches!(
                by.path.rule(),
                Some(OnDelete::SetNull | OnDelete::SetDefault)
            );
            sets && own(&by.path)
        })
}

/// The order of a sweep.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Axis {
    /// The order column, before the key; `None`: by key alone.
    pub along: Option<String>,
    /// An index has the order column and the key, so that a window may end between two rows with
    /// one value. Otherwise windows end between values, and go by key within a large group.
    pub composite: bool,
    /// Why the order that was asked for is not the order of the sweep.
    pub note: Option<String>,
    /// Why no index on the order column would bound the sweep.
    pub(crate) out_of_order: Option<&'static str>,
    /// By page: neither the order column nor the key.
    pub physical: bool,
    /// Key columns that the condition holds to one value: no part of an edge, because the index has
    /// them before the order column.
    pub(crate) settled: Vec<String>,
    /// Conditions that an edge may use, because an index bounds them.
    pub(super) filter: Vec<Condition>,
    /// What a partial index says of its rows. Every eligible row meets it anyway.
    pub(super) terms: Vec<Term>,
    /// What ORDER BY must name before the order column, and how.
    ahead: Vec<(String, &'static str)>,
    /// The index has NULLs before the values.
    nulls_first: bool,
}

impl Axis {
    /// Finds the index that serves the request's order.
    pub(crate) fn choose(
        authorized: &Authorized<Request>,
        catalog: &Catalog,
        forms: &Forms,
    ) -> Result<Self, Fault> {
        let dialect = catalog.dialect();
        let request = authorized.request();
        let table = authorized.table();
        let facts = facts(authorized, forms);
        let mut by_key = Self::by_key(table, &facts, dialect);
        let updates =
            matches!(request.action, Action::Update(_)) || lets_go_of_its_own(authorized, catalog);
        let bounded = !by_key.filter.is_empty() || !by_key.terms.is_empty();
        by_key.physical = physical::serves(table, dialect, bounded, updates);
        let Some(along) = &request.order_by else {
            return Ok(by_key);
        };
        let column = find_column(table, along)?;
        if column.kind == Kind::Json {
            return Err(Fault::invalid(
                "no-order",
                format!(
                    "column `{along}` of `{}` is JSON and has no order",
                    table.id
                ),
            ));
        }
        if column.nullable && !request.matching.needs(along) {
            return Err(Fault::invalid(
                "order-by-null",
                format!(
                    "order-by `{along}` of `{}` would never visit rows where it is NULL: add \
                     is-not-null, or leave the order out",
                    table.id
                ),
            ));
        }
        let keyed = dialect == Dialect::Sqlite || !table.primary_key.is_empty();
        let mut serving = table.in_order_of(along, &facts, dialect);
        if matches!(request.action, Action::Read(_)) {
            // A page is in the order that was asked for, and in no other.
            serving.retain(|serving| serving.fixed.iter().all(|fixed| fixed.null.is_none()));
        } else {
            by_key.out_of_order = match compares_time(along, &facts) {
                true => out_of_order(dialect, column, &forms.time(&table.id, column)?),
                false => ids_out_of_order(along, &facts, table, dialect),
            };
            if by_key.out_of_order.is_some() {
                // What lets few rows in is worth it without a bound.
                serving.retain(|serving| narrows_otherwise(serving, along));
            }
        }
        if let Some(narrowest) = serving.first().filter(|_| keyed) {
            return Ok(Self::along(along, narrowest, &facts, table, dialect));
        }
        let why = match (serving.first(), by_key.out_of_order) {
            (Some(_), _) => "there is no primary key beside it".to_owned(),
            (None, Some(why)) => {
                format!("its values are not in the order of time ({why}), and no index helps")
            }
            (None, None) => match table.why_not(along, &facts, dialect) {
                Some(near) => format!("no index serves it ({near})"),
                None => "no index serves it".to_owned(),
            },
        };
        let how = match by_key.physical {
            true => "page by page",
            false => "by key",
        };
        by_key.note = Some(format!(
            "order-by `{along}` of `{}`: {why}, so the table is swept {how}",
            table.id
        ));
        Ok(by_key)
    }

    /// By the primary key, or by SQLite's rowid; where the index of a few rows has these in that order,
    /// by it.
    fn by_key(table: &Table, facts: &[&Condition], dialect: Dialect) -> Self {
        let leading = match dialect {
            Dialect::Sqlite if table.has_rowid => table.rowid_alias.as_ref(),
            _ => table.primary_key.first(),
        };
        let mut by_key = Self {
            composite: true,
            ..Self::default()
        };
        let Some(leading) = leading else {
            return by_key;
        };
        by_key.filter = bounds_on(leading, facts, table, dialect);
        let narrows =
            |serving: &Serving<'_>| !serving.terms.is_empty() || !serving.fixed.is_empty();
        let serving = table.in_order_of(leading, facts, dialect).into_iter();
        // ORDER BY the key says nothing of NULLs.
        let mut serving = serving.filter(|s| !s.nulls_first || dialect == Dialect::Sqlite);
        if let Some(narrowest) = serving.next().filter(narrows)
            && narrowest.fixed.iter().all(|fixed| fixed.null.is_none())
        {
            by_key.filter.extend(held(&narrowest.fixed));
            by_key.terms = narrowest.terms;
        }
        by_key
    }

    fn along(
        along: &str,
        serving: &Serving<'_>,
        facts: &[&Condition],
        table: &Table,
        dialect: Dialect,
    ) -> Self {
        let mut filter = bounds_on(along, facts, table, dialect);
        filter.push(Condition::IsNotNull {
            column: along.to_owned(),
        });
        filter.extend(held(&serving.fixed));
        let fixed = |name: &&String| serving.fixed.iter().any(|fixed| fixed.column == **name);
        let settled: Vec<_> = table.primary_key.iter().filter(fixed).cloned().collect();
        // Something must be left to tell rows apart by.
        let told_apart = !table.has_rowid && settled.len() < table.primary_key.len();
        let ahead = serving.fixed.iter();
        let ahead = ahead.filter_map(|fixed| Some((fixed.column.clone(), fixed.null?)));
        Self {
            along: Some(along.to_owned()),
            composite: serving.reaches_key,
            note: None,
            out_of_order: None,
            physical: false,
            settled: if told_apart { settled } else { Vec::new() },
            filter,
            terms: serving.terms.clone(),
            ahead: ahead.collect(),
            nulls_first: serving.nulls_first && dialect == Dialect::Postgres,
        }
    }

    /// Windows end between values, not between rows.
    pub fn cuts_between_values(&self) -> bool {
        self.along.is_some() && !self.composite
    }

    /// A read in this order meets the index's NULLs first.
    pub(super) fn reads_nulls_first(&self) -> bool {
        self.nulls_first
    }

    /// The columns that a window's edges are made of.
    pub(super) fn columns(&self, row: &Row<'_>, tie: bool) -> Vec<String> {
        let settled = |column: &String| {
            let mut settled = self.settled.iter();
            !settled.any(|name| row.column(name) == *column)
        };
        let key = || key_columns(row).into_iter().filter(settled);
        match &self.along {
            _ if self.physical => vec![format!("{}.ctid", row.alias)],
            Some(along) if !tie && self.composite => {
                std::iter::once(row.column(along)).chain(key()).collect()
            }
            Some(along) if !tie => vec![row.column(along)],
            _ => key().collect(),
        }
    }

    /// ORDER BY in the edges' own order, as the index has it.
    pub(super) fn order(&self, row: &Row<'_>, tie: bool) -> String {
        let mut order = self.columns(row, tie);
        if self.along.is_none() || tie {
            return order.join(", ");
        }
        if let (true, Some(along)) = (self.nulls_first, order.first_mut()) {
            along.push_str(" NULLS FIRST");
        }
        let ahead = self.ahead.iter();
        let ahead = ahead.map(|(column, how)| format!("{} {how}", row.column(column)));
        ahead.chain(order).collect::<Vec<_>>().join(", ")
    }

    /// The columns behind [`Axis::columns`].
    pub(super) fn fields<'t>(&self, table: &'t Table, tie: bool) -> Vec<Option<&'t Column>> {
        let settled = |field: &Option<&Column>| {
            field.is_some_and(|column| self.settled.contains(&column.name))
        };
        let key = key_fields(table)
            .into_iter()
            .filter(|field| !settled(field));
        match &self.along {
            _ if self.physical => vec![None],
            Some(along) if !tie && self.composite => {
                std::iter::once(table.column(along)).chain(key).collect()
            }
            Some(along) if !tie => vec![table.column(along)],
            _ => key.collect(),
        }
    }

    pub(super) fn types(&self, table: &Table, tie: bool) -> Vec<String> {
        let type_of = |name: &String| {
            table
                .column(name)
                .map_or_else(String::new, |column| column.sql_type.clone())
        };
        let key = table.primary_key.iter();
        let key = key.filter(|name| !self.settled.contains(name)).map(type_of);
        match &self.along {
            _ if self.physical => vec!["tid".to_owned()],
            Some(along) if !tie && self.composite => {
                std::iter::once(type_of(along)).chain(key).collect()
            }
            Some(along) if !tie => vec![type_of(along)],
            _ => key.collect(),
        }
    }
}

impl Plan {
    /// ` AND …`: what an edge may use of the condition.
    pub(super) fn filtered(&self, w: &mut Writer, row: &Row<'_>) -> Result<(), Fault> {
        for term in &self.axis.filter {
            w.push(" AND ");
            self.in_index(w, row, term)?;
        }
        self.repeated(w, row, &self.axis.terms);
        Ok(())
    }

    /// ` AND …`: terms of an index's predicate, for the planner to see that it serves. They follow from
    /// the condition that they stand beside.
    pub(super) fn repeated(&self, w: &mut Writer, row: &Row<'_>, terms: &[Term]) {
        for term in terms {
            w.push(" AND ").push(&term.on(&row.column(&term.column)));
        }
    }
}

/// What holds of every row that is to be changed: the terms of the request's condition, and what the
/// grant narrows it by.
pub(super) fn facts<'a>(authorized: &'a Authorized<Request>, forms: &Forms) -> Vec<&'a Condition> {
    let mut facts = authorized.request().matching.conjuncts();
    facts.extend(authorized.narrowing());
    facts.retain(|term| !written_as_words(term, authorized.table(), forms));
    facts
}

/// It compares a truth value that some rows hold as a word: these are in no partial index `WHERE flag`.
fn written_as_words(term: &Condition, table: &Table, forms: &Forms) -> bool {
    match term {
        Condition::Compare { column, .. } | Condition::OneOf { column, .. } => {
            forms.words(&table.id, column)
        }
        Condition::All(of) | Condition::Any(of) => {
            of.iter().any(|term| written_as_words(term, table, forms))
        }
        Condition::Not(of) => written_as_words(of, table, forms),
        _ => false,
    }
}

/// Of the rows that are to be changed something is asked of this column as a time.
fn compares_time(column: &str, facts: &[&Condition]) -> bool {
    let mut bounds = facts.iter().filter(|term| bounds(term, column));
    bounds.any(|bound| match bound {
        Condition::OlderThan { .. } => true,
        Condition::Compare { to, .. } => matches!(to, Value::Timestamp(_)),
        _ => false,
    })
}

/// The index leaves rows out by more than the order column alone.
fn narrows_otherwise(serving: &Serving<'_>, along: &str) -> bool {
    !serving.fixed.is_empty() || serving.terms.iter().any(|term| term.column != along)
}

fn held(fixed: &[Fixed]) -> impl Iterator<Item = Condition> {
    fixed.iter().map(|fixed| fixed.by.clone())
}

/// Conditions that bound the column from one side or both, whatever else the request asks.
fn bounds_on(
    column: &str,
    facts: &[&Condition],
    table: &Table,
    dialect: Dialect,
) -> Vec<Condition> {
    let disordered = ids_out_of_order(column, facts, table, dialect).is_some();
    let by_id = |term: &Condition| matches!(term, Condition::IdOlderThan { .. });
    let bounding = facts.iter().filter(|term| bounds(term, column));
    bounding
        .filter(|term| !(disordered && by_id(term)))
        .map(|term| (*term).clone())
        .collect()
}

fn bounds(term: &Condition, column: &str) -> bool {
    match term {
        Condition::OlderThan { column: on, .. } | Condition::IdOlderThan { column: on, .. } => {
            on == column
        }
        Condition::Compare {
            column: on,
            operator,
            ..
        } => on == column && *operator != Comparison::NotEqual,
        _ => false,
    }
}

/// Why the order of a column of ids, of which a time is asked, is not that of their times.
fn ids_out_of_order(
    column: &str,
    facts: &[&Condition],
    table: &Table,
    dialect: Dialect,
) -> Option<&'static str> {
    let by_id = |term: &&Condition| matches!(term, Condition::IdOlderThan { column: on, .. } if on == column);
    let asked = facts.iter().any(by_id);
    let disordered = table
        .column(column)
        .is_some_and(|column| !in_order(dialect, column));
    (asked && disordered)
        .then_some("its collation is not known to order ids by their bytes; COLLATE \"C\" does")
}
