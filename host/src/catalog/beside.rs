//! What refuses a foreign key's SET NULL or SET DEFAULT although the column itself takes the value: a unique index or an
//! exclusion constraint in which two rows would meet, a generated column that would become NULL, a check, and a
//! default without a row to refer to.

use std::collections::BTreeMap;

use super::checks::{ChecksOf, breaking};
use super::lone_defaults::{Constant, constants};
use super::not_null::{Refusals, forbids_null, is_null};
use super::null_passes::{names, null_with};
use super::{ForeignKey, Index, Obstacle, OnDelete, Table, TableId};

/// A generated column that takes no NULL.
#[derive(Debug, Clone)]
pub(super) struct Computed {
    pub(super) column: String,
    pub(super) expression: String,
}

/// Those of each table.
pub(super) type ComputedOf = BTreeMap<TableId, Vec<Computed>>;

/// An exclusion constraint, as a unique index would be.
#[derive(Debug, Clone)]
pub(super) struct Exclusion {
    pub(super) name: String,
    pub(super) definition: String,
    pub(super) index: Index,
    /// Of its columns, which exclude equal values.
    pub(super) equal: Vec<bool>,
}

/// Those of each table.
pub(super) type ExclusionsOf = BTreeMap<TableId, Vec<Exclusion>>;

/// What stands beside the columns of tables whose keys set some.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    pub(super) computed: ComputedOf,
    pub(super) checks: ChecksOf,
    pub(super) exclusions: ExclusionsOf,
}

/// What a column becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Becomes {
    Null,
    Constant(Constant),
    /// One of fewer values than there were.
    Fewer,
    /// What an expression comes to, which may be another value each time.
    Unknown,
}

/// What stands in the way of one key.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// It does so for certain, because of the columns that are named beside it.
    pub(super) certain: Option<(Vec<String>, Obstacle)>,
    /// It may.
    pub(super) possible: Vec<Obstacle>,
    /// Each of them does so for certain where the child has a row with these values already.
    pub(super) taken: Vec<(Obstacle, Vec<(String, Becomes)>)>,
}

impl Found {
    /// The child has a row with these values.
    pub(super) fn is_taken(&mut self, obstacle: Obstacle, values: Vec<(String, Becomes)>) {
        self.possible.retain(|possible| *possible != obstacle);
        let columns = values.into_iter().map(|(column, _)| column);
        self.certain = Some((columns.collect(), obstacle));
    }

    /// Notes it on the key, at both of its ends.
    pub(super) fn mark<'t>(&self, key: &ForeignKey, tables: impl Iterator<Item = &'t mut Table>) {
        let ends = tables.flat_map(|t| t.foreign_keys.iter_mut().chain(&mut t.referenced_by));
        for end in ends.filter(|end| **end == *key) {
            end.may_be_held_by.clone_from(&self.possible);
            if let Some((columns, obstacle)) = &self.certain {
                end.stuck.clone_from(columns);
                end.held_by = Some(obstacle.clone());
            }
        }
    }
}

/// The keys that set columns which take what they set.
pub(super) fn keys<'t>(
    tables: impl Iterator<Item = &'t Table>,
) -> impl Iterator<Item = &'t ForeignKey> {
    let keys = tables.flat_map(|table| &table.foreign_keys);
    keys.filter(|key| !key.set_columns.is_empty() && key.stuck.is_empty())
}

/// `tables`: the child, and its partitions.
pub(super) fn beside(
    key: &ForeignKey,
    tables: &[&Table],
    refusals: &Refusals,
    around: &Surroundings,
) -> Found {
    let set: BTreeMap<&String, Becomes> = key
        .set_columns
        .iter()
        .map(|column| (column, becomes(key, column, refusals)))
        .collect();
    let mut found = Found::default();
    for table in tables {
        for of in around.computed.get(&table.id).into_iter().flatten() {
            generated(table, of, &set, &mut found);
        }
        for index in &table.indexes {
            let child = table.id == key.child;
            unique(table, index, &set, child, &mut found);
        }
        for of in around.exclusions.get(&table.id).into_iter().flatten() {
            excluding(table, of, &set, &mut found);
        }
        for of in around.checks.get(&table.id).into_iter().flatten() {
            let columns = breaking(of, table, &set);
            if !columns.is_empty() {
                let check = Obstacle::Check {
                    name: of.name.clone(),
                    expression: of.expression.clone(),
                    columns,
                };
                note(&mut found.possible, check);
            }
        }
    }
    let partitions: Vec<_> = tables
        .iter()
        .skip(1)
        .map(|table| table.id.clone())
        .collect();
    let looked_up = || constants(key, &partitions, refusals).is_some();
    let refers = key
        .columns
        .iter()
        .all(|column| set.get(column) != Some(&Becomes::Null));
    if key.on_delete == OnDelete::SetDefault && refers && !looked_up() {
        let columns = key.set_columns.clone();
        found.possible.push(Obstacle::Default { columns });
    }
    found
}

fn becomes(key: &ForeignKey, column: &str, refusals: &Refusals) -> Becomes {
    let refusing = refusals.get(&(key.child.clone(), column.to_owned()));
    let default = refusing.and_then(|of| of.default.as_deref());
    match (key.on_delete, default) {
        (OnDelete::SetDefault, Some(default)) if !is_null(default) => {
            let constant = super::lone_defaults::constant(default);
            constant.map_or(Becomes::Unknown, Becomes::Constant)
        }
        _ => Becomes::Null,
    }
}

fn generated(table: &Table, of: &Computed, set: &BTreeMap<&String, Becomes>, found: &mut Found) {
    let nulls = set.iter().filter(|(_, value)| **value == Becomes::Null);
    let from: Vec<String> = nulls
        .map(|(column, _)| (*column).clone())
        .filter(|column| names(&of.expression, column))
        .collect();
    if from.is_empty() {
        return;
    }
    let obstacle = Obstacle::Generated {
        column: of.column.clone(),
        from: from.clone(),
    };
    let certain: Vec<_> = from
        .into_iter()
        .filter(|column| null_with(&of.expression, column, table, false))
        .collect();
    match (certain.is_empty(), found.certain.is_none()) {
        (false, true) => found.certain = Some((certain, obstacle)),
        _ => note(&mut found.possible, obstacle),
    }
}

/// How rows that get new values may meet in a unique index.
#[derive(Debug, Clone)]
pub(crate) struct Meeting {
    /// What the columns become on which it hangs: `a = 1, b = NULL`.
    pub(crate) values: String,
    /// What all columns of the index become, where that is known and it holds every row: it has room for one.
    pub(crate) whole: Option<Vec<(String, Becomes)>>,
}

/// Whether rows of which `set` becomes of their columns may meet in the index, which then refuses the second.
pub(crate) fn meeting(
    table: &Table,
    index: &Index,
    set: &BTreeMap<&String, Becomes>,
) -> Option<Meeting> {
    if !index.unique {
        return None;
    }
    let parts = || index.columns.iter();
    let predicate = index.predicate.as_deref().unwrap_or_default();
    let bears = |column: &String| {
        names(predicate, column)
            || parts().any(|part| match &part.name {
                Some(name) => name == column,
                None => names(part.instead.as_deref().unwrap_or_default(), column),
            })
    };
    let bearing: Vec<(&String, &Becomes)> = set
        .iter()
        .filter(|(column, value)| **value != Becomes::Unknown && bears(column))
        .map(|(column, value)| (*column, value))
        .collect();
    let mut nulls = bearing.iter().filter(|(_, of)| **of == Becomes::Null);
    if bearing.is_empty() || nulls.any(|(column, _)| leaves_null_out(predicate, column, table)) {
        return None;
    }
    let is_null = |(column, of): (&&String, &Becomes), expression: &str| {
        *of == Becomes::Null && null_with(expression, column, table, false)
    };
    let mut nulls = parts().map(|part| match (&part.name, &part.instead) {
        (Some(name), _) => set.get(name) == Some(&Becomes::Null),
        (None, Some(expression)) => set.iter().any(|of| is_null(of, expression)),
        (None, None) => false,
    });
    if index.nulls_distinct && nulls.any(|null| null) {
        return None;
    }
    if is_told_apart(table, index, |name| !set.contains_key(name)) {
        return None;
    }
    let all: Option<Vec<_>> = parts()
        .map(|part| {
            let name = part.name.as_ref()?;
            Some((name.clone(), set.get(name)?.clone()))
        })
        .collect();
    let one = |of: &Vec<(String, Becomes)>| {
        let mut of = of.iter();
        of.all(|(_, of)| matches!(of, Becomes::Null | Becomes::Constant(_)))
    };
    Some(Meeting {
        values: values(&bearing),
        whole: all.filter(|all| index.predicate.is_none() && one(all)),
    })
}

fn unique(
    table: &Table,
    index: &Index,
    set: &BTreeMap<&String, Becomes>,
    child: bool,
    found: &mut Found,
) {
    let Some(Meeting { values, whole }) = meeting(table, index, &met(set)) else {
        return;
    };
    let parts = index.columns.iter();
    let parts = parts.map(|part| part.name.clone().or_else(|| part.instead.clone()));
    let obstacle = Obstacle::Unique {
        index: index.name.clone(),
        columns: parts
            .map(|part| part.unwrap_or_else(|| "an expression".to_owned()))
            .collect(),
        predicate: index.predicate.clone(),
        nulls_meet: !index.nulls_distinct,
        values,
    };
    if let (true, Some(whole)) = (child, whole) {
        found.taken.push((obstacle.clone(), whole));
    }
    note(&mut found.possible, obstacle);
}

/// What an expression comes to may be one value for several rows.
fn met<'s>(set: &BTreeMap<&'s String, Becomes>) -> BTreeMap<&'s String, Becomes> {
    let value = |of: &Becomes| match of {
        Becomes::Unknown => Becomes::Fewer,
        of => of.clone(),
    };
    set.iter()
        .map(|(column, of)| (*column, value(of)))
        .collect()
}

fn excluding(table: &Table, of: &Exclusion, set: &BTreeMap<&String, Becomes>, found: &mut Found) {
    // Only equal values are told apart by another key of the rows.
    let mut index = of.index.clone();
    for (part, equal) in index.columns.iter_mut().zip(&of.equal) {
        if !equal
            && part
                .name
                .as_ref()
                .is_some_and(|name| !set.contains_key(name))
        {
            part.instead = part.name.take();
        }
    }
    if let Some(Meeting { values, .. }) = meeting(table, &index, &met(set)) {
        let exclusion = Obstacle::Exclusion {
            name: of.name.clone(),
            definition: of.definition.clone(),
            values,
        };
        note(&mut found.possible, exclusion);
    }
}

/// A partition has a copy of each index of its parent, under another name.
fn note(possible: &mut Vec<Obstacle>, obstacle: Obstacle) {
    let known = possible.iter().any(|known| known.is_copy_of(&obstacle));
    if !known {
        possible.push(obstacle);
    }
}

fn values(bearing: &[(&String, &Becomes)]) -> String {
    let told = bearing.iter().map(|(column, value)| match value {
        Becomes::Constant(constant) => format!("{column} = {constant}"),
        Becomes::Null => format!("{column} = NULL"),
        Becomes::Fewer | Becomes::Unknown => (*column).clone(),
    });
    told.collect::<Vec<_>>().join(", ")
}

/// No two rows that differ have the same values in those columns of the index that stay as they are, because another
/// unique index is on some of these.
fn is_told_apart(table: &Table, index: &Index, stays: impl Fn(&String) -> bool) -> bool {
    let staying: Vec<&String> = index
        .columns
        .iter()
        .filter_map(|part| part.name.as_ref())
        .filter(|name| stays(name))
        .collect();
    let tells = |other: &Index| {
        other.unique
            && other.predicate.is_none()
            && other.columns.iter().all(|part| {
                let name = part.name.as_ref();
                name.is_some_and(|name| {
                    let column = table.column(name);
                    let never_null = column.is_some_and(|column| !column.nullable);
                    staying.contains(&name) && (never_null || index.nulls_distinct)
                })
            })
    };
    table.indexes.iter().any(tells)
}

/// A row with NULL in the column is not in an index with this predicate.
fn leaves_null_out(predicate: &str, column: &str, table: &Table) -> bool {
    !predicate.is_empty()
        && (forbids_null(&format!("({predicate})"), column)
            || null_with(predicate, column, table, true))
}
