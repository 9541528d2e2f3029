//! Random requests on random tables.

use besom::request::{Comparison, Condition, Fate, Join, Request, Source, Timestamp, Value};
use proptest::prelude::*;

use super::world::{DAY, Key, NOW, World};

#[derive(Debug, Clone)]
pub(super) struct RequestSeed {
    swept: usize,
    order: bool,
    conditions: Vec<(u8, usize, u8)>,
    dependents: Vec<DependentSeed>,
    assignments: Vec<(u8, u8, usize)>,
}

#[derive(Debug, Clone)]
pub(super) struct DependentSeed {
    parent: usize,
    key: usize,
    unlink: bool,
    /// Joined by columns that no foreign key ties.
    loose: bool,
    /// Rows of the swept table itself, where such a key is picked.
    own: bool,
}

pub(super) fn request_seed() -> impl Strategy<Value = RequestSeed> {
    let dependent = (
        0_usize..4,
        0_usize..8,
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.15),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(parent, key, unlink, loose, own)| DependentSeed {
            parent,
            key,
            unlink,
            loose,
            own,
        });
    (
        0_usize..8,
        prop::bool::weighted(0.2),
        prop::collection::vec((0_u8..12, 0_usize..8, 0_u8..6), 0..3),
        prop::collection::vec(dependent, 0..5),
        prop::collection::vec((0_u8..5, 0_u8..8, 0_usize..8), 1..4),
    )
        .prop_map(
            |(swept, order, conditions, dependents, assignments)| RequestSeed {
                swept,
                order,
                conditions,
                dependents,
                assignments,
            },
        )
}

fn is_live(live: bool) -> Condition {
    Condition::Compare {
        column: "live".into(),
        operator: Comparison::Equal,
        to: Value::Boolean(live),
    }
}

fn old() -> Condition {
    Condition::OlderThan {
        column: "at".into(),
        cutoff: Timestamp(NOW - 5 * DAY),
        offset: 0,
    }
}

impl RequestSeed {
    pub(super) fn swept(&self, world: &World) -> usize {
        // A table that something refers to.
        world.keys[self.swept % world.keys.len()].parent
    }

    pub(super) fn delete(&self, world: &World) -> Request {
        let swept = self.swept(world);
        let mut request = Request::delete(&world.tables[swept].name, self.condition(world));
        request.order_by = self.order.then(|| "at".to_owned());
        let mut parents = vec![(None, swept)];
        for seed in &self.dependents {
            let (parent, of) = parents[seed.parent % parents.len()];
            let Some((table, on)) = seed.tie(world, swept, of) else {
                continue;
            };
            let place = request.dependents.len();
            let name = &world.tables[table].name;
            if seed.fate(world, table, &on) == Fate::Unlink {
                request = request.unlink_first(name, on, parent);
            } else if table != swept || seed.own {
                request = request.delete_first(name, on, parent);
                parents.push((Some(place), table));
            }
        }
        request
    }

    pub(super) fn update(&self, world: &World) -> Request {
        let swept = self.swept(world);
        let mut request = Request::update(&world.tables[swept].name, self.condition(world));
        request.order_by = self.order.then(|| "at".to_owned());
        let mut assigned = Vec::new();
        for (target, kind, pick) in &self.assignments {
            let column = match target {
                0 | 1 => "v",
                2 => "w",
                3 => "live",
                _ if self.order => "v",
                _ => "at",
            };
            if assigned.contains(&column) {
                continue;
            }
            assigned.push(column);
            request = request.set(column, self.source(world, column, *kind, *pick));
        }
        request
    }

    fn source(&self, world: &World, column: &str, kind: u8, pick: usize) -> Source {
        let swept = self.swept(world);
        match (kind, column) {
            (0, _) => Source::Value(Value::Null),
            (1 | 2, "live") => Source::Value(Value::Boolean(pick.is_multiple_of(2))),
            (1 | 2, "at") => Source::Value(Value::Timestamp(Timestamp(NOW - 3 * DAY))),
            (1, _) => Source::Value(Value::Integer(pick as i64 % 3)),
            (2 | 3, "v" | "w") => {
                let other = ["n", "v", "w"].into_iter().filter(|name| *name != column);
                Source::Column(other.collect::<Vec<_>>()[pick % 2].to_owned())
            }
            _ => {
                let (table, on) = relation(world, swept, pick, kind == 7);
                Source::Related {
                    table: world.tables[table].name.clone(),
                    on,
                    column: match column {
                        "v" => ["v", "n", "w"][pick % 3].to_owned(),
                        same => same.to_owned(),
                    },
                }
            }
        }
    }

    fn condition(&self, world: &World) -> Condition {
        let swept = self.swept(world);
        let mut all = Vec::new();
        if self.order {
            all.push(Condition::IsNotNull {
                column: "at".into(),
            });
        }
        for (kind, pick, matching) in &self.conditions {
            all.push(match kind {
                0 => Condition::IsNull {
                    column: "live".into(),
                },
                1 => old(),
                2 => Condition::Any(vec![is_live(false), old()]),
                3 => Condition::Not(Box::new(is_live(true))),
                4 => Condition::Compare {
                    column: "v".into(),
                    operator: Comparison::LessOrEqual,
                    to: Value::Integer(1),
                },
                5 => Condition::CompareColumns {
                    column: "v".into(),
                    operator: Comparison::Less,
                    to: "w".into(),
                },
                6 => Condition::Everything,
                more => {
                    let (table, on) = relation(world, swept, *pick, *more == 11);
                    related(world, table, on, *more == 7, *matching, *pick)
                }
            });
        }
        if self.conditions.len() < 2 {
            all.push(is_live(false));
        }
        Condition::All(all)
    }
}

fn related(
    world: &World,
    table: usize,
    on: Vec<Join>,
    exists: bool,
    matching: u8,
    pick: usize,
) -> Condition {
    let inner = match matching {
        0 => None,
        1 | 2 => Some(is_live(true)),
        3 => Some(is_live(false)),
        4 => Some(old()),
        _ => {
            let (next, on) = relation(world, table, pick / 2, false);
            Some(related(world, next, on, false, pick as u8 % 3, pick))
        }
    };
    let matching = inner.map(Box::new);
    let table = world.tables[table].name.clone();
    match exists {
        true => Condition::Exists {
            table,
            on,
            matching,
        },
        false => Condition::NotExists {
            table,
            on,
            matching,
        },
    }
}

fn pairs(world: &World, key: &Key) -> Vec<(String, String)> {
    let pairs = key.columns.iter().zip(&key.parent_columns);
    pairs
        .map(|(own, theirs)| {
            let own = world.tables[key.child].columns[*own].name.clone();
            (own, world.tables[key.parent].columns[*theirs].name.clone())
        })
        .collect()
}

/// From a parent to the rows that refer to it.
pub(super) fn down(world: &World, key: &Key) -> Vec<Join> {
    let pairs = pairs(world, key).into_iter();
    pairs.map(|(own, theirs)| Join::new(own, theirs)).collect()
}

/// From a row to the one that it refers to.
pub(super) fn up(world: &World, key: &Key) -> Vec<Join> {
    let pairs = pairs(world, key).into_iter();
    pairs.map(|(own, theirs)| Join::new(theirs, own)).collect()
}

/// Some table joined to a row of `table`, along a foreign key unless `loose`.
fn relation(world: &World, table: usize, pick: usize, loose: bool) -> (usize, Vec<Join>) {
    let mut ways: Vec<(usize, Vec<Join>)> = Vec::new();
    for key in world.keys.iter().filter(|_| !loose) {
        if key.parent == table {
            ways.push((key.child, down(world, key)));
        }
        if key.child == table {
            ways.push((key.parent, up(world, key)));
        }
    }
    if ways.is_empty() {
        let other = pick % world.tables.len();
        return match pick % 2 {
            0 => (other, vec![Join::new("w", "n")]),
            _ => (other, vec![Join::new("v", "v")]),
        };
    }
    ways.swap_remove(pick % ways.len())
}

impl DependentSeed {
    /// The dependent's table and how it hangs on rows of `of`.
    fn tie(&self, world: &World, swept: usize, of: usize) -> Option<(usize, Vec<Join>)> {
        let (table, on) = if self.loose {
            let table = self.key % world.tables.len();
            (table, vec![Join::new("w", "n")])
        } else {
            let keys: Vec<_> = world.keys.iter().filter(|key| key.parent == of).collect();
            let key = keys.get(self.key % keys.len().max(1))?;
            (key.child, down(world, key))
        };
        // A dependent whose own CASCADE takes swept rows would take them unasked.
        let comes_back = table != swept && world.cascades(table, swept);
        (!comes_back).then_some((table, on))
    }

    fn fate(&self, world: &World, table: usize, on: &[Join]) -> Fate {
        let may_let_go = on.iter().all(|join| {
            let at = world.column(table, &join.foreign);
            let table = &world.tables[table];
            table.columns[at].nullable && !table.primary.contains(&at)
        });
        match self.unlink && may_let_go {
            true => Fate::Unlink,
            false => Fate::Delete,
        }
    }
}
