//! Random tables, foreign keys and rows: small numbers that are read as choices, so that a failing
//! case shrinks to few tables and few rows.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::world::{AT, COMMON, DAY, Key, Kind, LIVE, N, NOW, Rule, State, V, W, World};

/// Rows of one table stay below this, so that an order of keys can be had by multiplying.
const ROWS: i64 = 61;
/// Steps by which keys follow rows: upwards, downwards, and mixed.
const STEPS: [i64; 4] = [1, ROWS - 1, 7, 23];

#[derive(Debug, Clone)]
pub(super) struct TableSeed {
    key: u8,
    step: usize,
    without_rowid: bool,
    /// The first required key is part of the primary key.
    wide: bool,
}

#[derive(Debug, Clone)]
pub(super) struct KeySeed {
    child: usize,
    parent: usize,
    rule: u8,
    by_number: bool,
    required: bool,
    shares: bool,
    deferred: bool,
    unindexed: bool,
}

#[derive(Debug, Clone)]
pub(super) struct RowSeed {
    table: usize,
    live: Option<bool>,
    days: Option<i64>,
    v: Option<i64>,
    w: Option<i64>,
    targets: Vec<u8>,
}

#[derive(Debug, Clone)]
pub(super) struct Seeds {
    pub(super) tables: Vec<TableSeed>,
    pub(super) keys: Vec<KeySeed>,
    pub(super) rows: Vec<RowSeed>,
}

pub(super) fn seeds() -> impl Strategy<Value = Seeds> {
    let table = (0_u8..7, 0..STEPS.len(), any::<bool>(), any::<bool>()).prop_map(
        |(key, step, without_rowid, wide)| TableSeed {
            key,
            step,
            without_rowid,
            wide,
        },
    );
    let flag = |chance| prop::bool::weighted(chance);
    let key = (
        (0_usize..5, 0_usize..5, 0_u8..6),
        (flag(0.2), flag(0.3), flag(0.5), flag(0.2), flag(0.2)),
    )
        .prop_map(|((child, parent, rule), flags)| KeySeed {
            child,
            parent,
            rule,
            by_number: flags.0,
            required: flags.1,
            shares: flags.2,
            deferred: flags.3,
            unindexed: flags.4,
        });
    let row = (
        0_usize..5,
        prop::option::weighted(0.9, flag(0.2)),
        prop::option::weighted(0.9, 0_i64..10),
        prop::option::of(0_i64..3),
        prop::option::of(0_i64..6),
        prop::collection::vec(any::<u8>(), 1..5),
    )
        .prop_map(|(table, live, days, v, w, targets)| RowSeed {
            table,
            live,
            days,
            v,
            w,
            targets,
        });
    (
        prop::collection::vec(table, 2..6),
        prop::collection::vec(key, 2..8),
        prop::collection::vec(row, 4..45),
    )
        .prop_map(|(tables, keys, rows)| Seeds { tables, keys, rows })
}

/// The tables that the seeds mean; `case` is in their names, so that no statement that a
/// connection has prepared meets a table of another shape.
pub(super) fn world(seeds: &Seeds, case: usize) -> World {
    let mut world = World::default();
    for (place, seed) in seeds.tables.iter().enumerate() {
        let kinds: &[Kind] = match seed.key {
            0 | 1 => &[],
            2 => &[Kind::Integer],
            3 => &[Kind::Text],
            4 => &[Kind::Id],
            5 => &[Kind::Integer, Kind::Integer],
            _ => &[Kind::Text, Kind::Id],
        };
        let letter = char::from(b'a' + place as u8);
        world.add_table(format!("{letter}{case}"), kinds);
        world.tables[place].without_rowid = seed.without_rowid;
        world.tables[place].indexed = seed.step % 2 == 0;
    }
    for seed in &seeds.keys {
        add_key(&mut world, seed);
    }
    for (place, seed) in seeds.tables.iter().enumerate() {
        let referred = |key: &Key| key.parent == place && key.parent_columns != [N];
        if !seed.wide || world.keys.iter().any(referred) {
            continue;
        }
        let required = |key: &&Key| {
            let columns = &world.tables[place].columns;
            key.child == place && key.columns.iter().all(|at| !columns[*at].nullable)
        };
        if let Some(key) = world.keys.iter().find(required) {
            let mut primary = key.columns.clone();
            primary.push(N);
            world.tables[place].primary = primary;
        }
    }
    world
}

fn add_key(world: &mut World, seed: &KeySeed) {
    let tables = world.tables.len();
    let (mut child, mut parent) = (seed.child % tables, seed.parent % tables);
    let rule = match (seed.rule, child == parent) {
        // A CASCADE that comes back to its table is refused.
        (2 | 3, true) | (0 | 5, _) => Rule::NoAction,
        (1, _) => Rule::Restrict,
        (2 | 3, false) => Rule::Cascade,
        _ => Rule::SetNull,
    };
    if matches!(rule, Rule::Restrict | Rule::Cascade) && child < parent {
        // These go one way, so that there is an order in which SQLite can delete.
        (child, parent) = (parent, child);
    }
    let parent_columns = match seed.by_number {
        true => vec![N],
        false => world.tables[parent].primary.clone(),
    };
    let required = seed.required && parent < child && rule != Rule::SetNull;
    let shared = match seed.shares && !required && rule != Rule::SetNull {
        true => shared_column(world, child, parent, &parent_columns),
        false => None,
    };
    let mut columns: Vec<usize> = shared.into_iter().collect();
    for (at, of) in parent_columns.iter().enumerate().skip(columns.len()) {
        let column = world.add_column(child, parent, *of, at);
        world.tables[child].columns[column].nullable = !required;
        columns.push(column);
    }
    world.keys.push(Key {
        child,
        columns,
        parent,
        parent_columns,
        rule,
        deferred: seed.deferred,
        indexed: !seed.unindexed,
    });
}

/// The first column of another composite key of the child, as tenants are shared by keys.
fn shared_column(world: &World, child: usize, parent: usize, wanted: &[usize]) -> Option<usize> {
    let kind = world.tables[parent].columns[wanted[0]].kind;
    let mut others = world.keys.iter().filter(|other| {
        other.child == child && other.columns.len() > 1 && other.rule != Rule::SetNull
    });
    let mut first = others.find_map(|other| {
        let at = other.columns[0];
        (world.tables[child].columns[at].kind == kind).then_some(at)
    });
    first.take_if(|_| wanted.len() > 1)
}

/// The rows that the seeds mean. Every foreign key holds.
pub(super) fn rows(seeds: &Seeds, world: &World) -> State {
    let mut state: State = vec![BTreeMap::new(); world.tables.len()];
    let mut targets: Vec<Vec<&[u8]>> = vec![Vec::new(); world.tables.len()];
    for seed in &seeds.rows {
        let place = seed.table % world.tables.len();
        let table = &world.tables[place];
        let n = state[place].len() as i64;
        let rank = n * STEPS[seeds.tables[place].step] % ROWS;
        let mut cells = vec![None; table.columns.len()];
        cells[N] = Some(n);
        cells[LIVE] = seed.live.map(i64::from);
        cells[AT] = seed.days.map(|days| NOW - days * DAY);
        cells[V] = seed.v;
        cells[W] = seed.w;
        let own = table.columns.iter().skip(COMMON.len()).map(|c| &c.name);
        let keys: Vec<_> = own.filter(|name| !name.starts_with('f')).collect();
        match keys.len() {
            0 => {}
            1 => cells[COMMON.len()] = Some(rank),
            _ => {
                cells[COMMON.len()] = Some(rank / 4);
                cells[COMMON.len() + 1] = Some(rank % 4);
            }
        }
        state[place].insert(n, cells);
        targets[place].push(&seed.targets);
    }
    for place in 0..world.tables.len() {
        for (n, seeds) in targets[place].iter().enumerate() {
            for (number, key) in world.keys.iter().enumerate() {
                if key.child == place {
                    let seed = seeds[number % seeds.len()];
                    refer(world, &mut state, key, n as i64, usize::from(seed));
                }
            }
        }
        // A required key without a parent row to refer to: the row cannot be.
        let columns = &world.tables[place].columns;
        state[place].retain(|_, row| {
            let mut cells = row.iter().zip(columns);
            cells.all(|(cell, column)| cell.is_some() || column.nullable)
        });
    }
    // Rows that referred to one that could not be.
    while !world.broken(&state).is_empty() {
        for ((table, n), _) in world.broken(&state) {
            state[table].remove(&n);
        }
    }
    state
}

fn refer(world: &World, state: &mut State, key: &Key, n: i64, seed: usize) {
    let columns = &world.tables[key.child].columns;
    let required = key.columns.iter().all(|at| !columns[*at].nullable);
    let row = &state[key.child][&n];
    let fits = |parent: &&Vec<Option<i64>>| {
        let mut pairs = key.columns.iter().zip(&key.parent_columns);
        pairs.all(|(own, theirs)| row[*own].is_none() || row[*own] == parent[*theirs])
    };
    let fitting: Vec<_> = state[key.parent].values().filter(fits).collect();
    let mut new: Vec<Option<i64>> = match fitting.len() {
        0 => return,
        len => {
            let parent = fitting[seed / 8 % len];
            key.parent_columns.iter().map(|at| parent[*at]).collect()
        }
    };
    match seed % 8 {
        0 if !required => return,
        // Partly NULL: refers to nothing, whatever the rest says.
        1 if !required && new.len() > 1 => {
            new[1] = None;
            new[0] = new[0].map(|value| value + (seed as i64 / 8) % 2);
        }
        _ => {}
    }
    let row = state[key.child].get_mut(&n).unwrap();
    for (at, value) in key.columns.iter().zip(new) {
        if row[*at].is_none() {
            row[*at] = value;
        }
    }
}
