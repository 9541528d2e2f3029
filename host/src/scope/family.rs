//! Everything that goes or changes along with a deleted row, and what forbids it.

use std::sync::Arc;

use super::cascade::{Effect, effects, referred_to};
use super::check::Check;
use super::cutoffs::past_cutoffs;
use super::path::{Consequence, Link, Path, Restriction, Tied};
use super::refusal::A_RULE;
use super::tables::{changeable, find, find_column};
use crate::catalog::{ForeignKey, OnDelete, Table};
use crate::request::{Condition, Dependent, Fate, Fault, Right};

/// The rows that hang on a swept row, as the catalog and the request tell.
#[derive(Debug, Clone, Default)]
pub struct Family {
    pub(super) dependents: Vec<Tied>,
    pub(super) restricting: Vec<Restriction>,
    pub(super) chains: Vec<ForeignKey>,
    pub(super) consequences: Vec<Consequence>,
}

impl Check<'_> {
    /// What a delete from `table` with these dependents does to other rows, and every right that
    /// takes.
    pub(super) fn family(
        &mut self,
        table: &Arc<Table>,
        dependents: &[Dependent],
    ) -> Result<Family, Fault> {
        let mut family = Family::default();
        for dependent in dependents {
            let tied = self.dependent(table, dependent, &family.dependents)?;
            family.dependents.push(tied);
        }
        for effect in effects(table, &family.dependents, self.catalog)? {
            match effect {
                Effect::Restricts(path) => family.restricting.push(Restriction {
                    within: within(&path, &family.dependents),
                    along: Vec::new(),
                    path,
                }),
                Effect::Chains(key) => {
                    if key.on_delete == OnDelete::Cascade {
                        let path = Path::default().and(Link::by_key(&key));
                        self.needs_by_rule(table, Right::Delete, None, &because(&path));
                    }
                    family.chains.push(*key);
                }
                Effect::Deletes(path) => {
                    let child = self.end_of(&path)?;
                    self.needs_by_rule(&child, Right::Delete, None, &because(&path));
                    let mut narrowing = self.narrowing(&child)?;
                    narrowing.extend(spared(&path, &family.dependents));
                    family.consequences.push(Consequence { path, narrowing });
                }
                Effect::Changes(path, columns) => {
                    let child = self.end_of(&path)?;
                    for column in &columns {
                        self.needs_by_rule(&child, Right::Update, Some(column), &because(&path));
                    }
                    let mut narrowing = self.narrowing(&child)?;
                    narrowing.extend(spared(&path, &family.dependents));
                    family.consequences.push(Consequence { path, narrowing });
                }
            }
        }
        for restriction in &mut family.restricting {
            restriction.along = along(&restriction.path, &family.consequences);
        }
        Ok(family)
    }

    fn dependent(
        &mut self,
        swept: &Arc<Table>,
        dependent: &Dependent,
        before: &[Tied],
    ) -> Result<Tied, Fault> {
        let child = Arc::clone(find(self.catalog, &dependent.table)?);
        changeable(&child)?;
        let (above, parent) = match dependent.parent.and_then(|of| before.get(of)) {
            None => (Path::default(), Arc::clone(swept)),
            Some(tied) => (tied.path.clone(), self.end_of(&tied.path)?),
        };
        self.joins(&parent, &child, &dependent.on)?;
        self.hangs_on_one(&parent, &child, &dependent.on)?;
        if let Some(matching) = &dependent.matching {
            self.condition(&child, matching, false)?;
            past_cutoffs(&child, matching, self.now, false)?;
        }
        match dependent.fate {
            Fate::Delete => self.needs_right(&child, Right::Delete, None, "a dependent is deleted"),
            Fate::Unlink => self.unlinks(&child, dependent)?,
        }
        let link = Link {
            parent: parent.id.clone(),
            child: child.id.clone(),
            columns: dependent.on.iter().map(|on| on.foreign.clone()).collect(),
            parent_columns: dependent.on.iter().map(|on| on.local.clone()).collect(),
            matching: dependent.matching.clone(),
            key: None,
        };
        Ok(Tied {
            path: above.and(link),
            fate: dependent.fate,
            narrowing: self.narrowing(&child)?,
        })
    }

    fn unlinks(&mut self, child: &Table, dependent: &Dependent) -> Result<(), Fault> {
        let mut columns = Vec::new();
        for join in &dependent.on {
            let column = find_column(child, &join.foreign)?;
            if !column.nullable || column.generated || child.primary_key.contains(&column.name) {
                return Err(Fault::invalid(
                    "unlink",
                    format!(
                        "column `{}` of `{}` cannot be set to NULL, so its rows cannot be \
                         unlinked: use delete-first, or leave them out",
                        column.name, child.id
                    ),
                ));
            }
            self.needs_right(
                child,
                Right::Update,
                Some(&column.name),
                "a dependent is unlinked",
            );
            columns.push(column.name.clone());
        }
        if let Some(key) = torn_by(child, &columns) {
            return Err(Fault::invalid(
                "unlink",
                format!(
                    "rows of `{}` cannot be unlinked by {} alone: foreign key `{}` is MATCH FULL, and takes NULL in all of \
                     its columns ({}) or in none. Join by all of them, or use delete-first",
                    child.id,
                    columns.join(", "),
                    key.name,
                    key.columns.join(", ")
                ),
            ));
        }
        match referred_to(child, &columns, self.catalog) {
            None => Ok(()),
            Some(key) => Err(Fault::unsupported(&format!(
                "unlinking rows of `{}` by a column that `{}` of `{}` refers to: what its ON \
                 UPDATE rule does then is not known,",
                child.id, key.name, key.child
            ))),
        }
    }

    fn end_of(&self, path: &Path) -> Result<Arc<Table>, Fault> {
        path.child()
            .and_then(|id| self.catalog.by_id(id))
            .cloned()
            .ok_or_else(|| {
                Fault::invalid(
                    "unknown-table",
                    "a foreign key refers from a table that is not there",
                )
            })
    }
}

/// Where dependents are some of the rows that refer by the key at the end of the path, the others are to
/// stay: the key's rule must not take them, so a parent with one of them stays, too.
fn spared(path: &Path, dependents: &[Tied]) -> Option<Condition> {
    let (link, above) = path.0.split_last()?;
    let key = link.key.as_ref()?;
    let some = dependents.iter().filter_map(|tied| {
        let (last, parents) = tied.path.0.split_last()?;
        let same = parents == above && last.covers_some_of(key);
        last.matching.clone().filter(|_| same)
    });
    let some: Vec<Condition> = some.collect();
    (!some.is_empty()).then_some(Condition::Any(some))
}

/// The dependents that a row at the end of a restricting path may be.
fn within(path: &Path, dependents: &[Tied]) -> Vec<usize> {
    let lets_go = |tied: &Tied| match tied.fate {
        Fate::Delete => true,
        Fate::Unlink => tied.path.0.last().is_some_and(|link| {
            path.key().is_some_and(|key| {
                let mut columns = link.columns.iter();
                columns.any(|column| key.columns.contains(column))
            })
        }),
    };
    let of_one_table = |tied: &&Tied| tied.path.child() == path.child() && lets_go(tied);
    let places = dependents.iter().enumerate();
    places
        .filter(|(_, tied)| of_one_table(tied))
        .map(|(place, _)| place)
        .collect()
}

/// By which paths the rows at the end of this one go with the swept row themselves.
fn along(path: &Path, consequences: &[Consequence]) -> Vec<Path> {
    let Some((last, above)) = path.0.split_last() else {
        return Vec::new();
    };
    match last.key.as_ref().map(|key| key.on_delete) {
        // What CASCADE would take of the same table hangs on the root itself, or is not looked for.
        Some(OnDelete::Cascade) => vec![Path(above.to_vec())],
        // PostgreSQL asks a NO ACTION key of the row above when the rules have come one step further down than
        // that row: what they take later is still there.
        Some(OnDelete::NoAction) => {
            let taken = consequences.iter().map(|consequence| &consequence.path);
            let taken = taken.filter(|taken| {
                taken.rule() == Some(OnDelete::Cascade)
                    && taken.child() == path.child()
                    && by_rules(&taken.0) <= by_rules(above)
            });
            taken.cloned().collect()
        }
        _ => Vec::new(),
    }
}

/// How many steps the database's own rules have taken to the end of a path.
fn by_rules(links: &[Link]) -> usize {
    links.iter().filter(|link| link.key.is_some()).count()
}

fn because(path: &Path) -> String {
    let keys = path.0.iter().filter_map(|link| link.key.as_ref());
    // SQLite has no names of keys, and numbers them by table.
    let names: Vec<_> = keys
        .map(|key| format!("`{}` of `{}`", key.name, key.child))
        .collect();
    format!("{A_RULE} {}", names.join(", "))
}

/// A key that is MATCH FULL and of which these are some of the columns.
fn torn_by<'c>(child: &'c Table, columns: &[String]) -> Option<&'c ForeignKey> {
    let cleared = |column: &&String| columns.contains(column);
    child.foreign_keys.iter().find(|key| {
        let some = key.columns.iter().filter(cleared).count();
        key.full && some > 0 && some < key.columns.len()
    })
}
