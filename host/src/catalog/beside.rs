//! What refuses a foreign key's SET NULL or SET DEFAULT although the column itself takes the value: a unique index in
//! which two rows would meet, and a generated column that would become NULL.

use std::collections::BTreeMap;

use super::lone_defaults::Constant;
use super::not_null::{Refusals, forbids_null, is_null};
use super::sqlite::text::{Token, tokens, unquoted};
use super::{ForeignKey, Index, Kind, Obstacle, OnDelete, Table, TableId};

/// A generated column that takes no NULL.
#[derive(Debug, Clone)]
pub(super) struct Computed {
    pub(super) column: String,
    pub(super) expression: String,
}

/// Those of each table.
pub(super) type ComputedOf = BTreeMap<TableId, Vec<Computed>>;

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
    computed: &ComputedOf,
) -> Found {
    let set: BTreeMap<&String, Becomes> = key
        .set_columns
        .iter()
        .map(|column| (column, becomes(key, column, refusals)))
        .collect();
    let mut found = Found::default();
    for table in tables {
        for of in computed.get(&table.id).into_iter().flatten() {
            generated(table, of, &set, &mut found);
        }
        for index in &table.indexes {
            let child = table.id == key.child;
            unique(table, index, &set, child, &mut found);
        }
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
    let Some(Meeting { values, whole }) = meeting(table, index, set) else {
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

/// The expression names the column.
fn names(expression: &str, column: &str) -> bool {
    let mut words = tokens(expression).into_iter();
    words.any(|word| unquoted(word.text()).eq_ignore_ascii_case(column))
}

/// The expression is NULL wherever the column is: it is made of nothing but what passes a NULL on.
fn null_with(expression: &str, column: &str, table: &Table, compares: bool) -> bool {
    const SIGNS: [&str; 9] = ["(", ")", "+", "-", "*", "/", "%", "|", ":"];
    const COMPARING: [&str; 4] = ["=", "<", ">", "!"];
    /// Of both databases; each is NULL where any argument is.
    const FUNCTIONS: [&str; 14] = [
        "lower",
        "upper",
        "abs",
        "length",
        "trim",
        "btrim",
        "ltrim",
        "rtrim",
        "substr",
        "substring",
        "replace",
        "md5",
        "round",
        "cast",
    ];
    const TYPES: [&str; 15] = [
        "as",
        "text",
        "int",
        "integer",
        "bigint",
        "smallint",
        "numeric",
        "real",
        "double",
        "precision",
        "character",
        "varying",
        "varchar",
        "uuid",
        "blob",
    ];
    let all = tokens(expression);
    let words: Vec<&str> = all.iter().map(Token::text).collect();
    let passes = |(at, word): (usize, &&str)| {
        let is_call = words.get(at + 1).is_some_and(|next| *next == "(");
        let first = word.chars().next().unwrap_or_default();
        let lower = word.to_ascii_lowercase();
        let found = column_of(table, &unquoted(word));
        match found {
            // What is put together of arrays or documents passes no NULL on.
            Some(kind) if !is_call => !matches!(kind, Kind::Other | Kind::Any | Kind::Json),
            _ if is_call && (first.is_alphabetic() || first == '"') => {
                FUNCTIONS.contains(&lower.as_str()) || TYPES.contains(&lower.as_str())
            }
            _ => {
                first.is_ascii_digit()
                    || first == '\''
                    || *word == ","
                    || SIGNS.contains(word)
                    || compares && COMPARING.contains(word)
                    || TYPES.contains(&lower.as_str())
            }
        }
    };
    names(expression, column) && words.iter().enumerate().all(passes)
}

fn column_of<'t>(table: &'t Table, name: &str) -> Option<&'t Kind> {
    let columns = &table.columns;
    let found = columns
        .iter()
        .find(|column| column.name == name)
        .or_else(|| {
            columns
                .iter()
                .find(|column| column.name.eq_ignore_ascii_case(name))
        });
    found.map(|column| &column.kind)
}
