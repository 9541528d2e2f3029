//! The indexes that a sweep goes by, for the operator who has to make them.

use crate::access::TableAccess;
use crate::condition::{Comparison, Condition};
use crate::join::Join;
use crate::sweep::{Action, Assignment, Dependent, Sweep};
use crate::value::Value;

/// Names the indexes in the entries of their tables: each right stays what it is.
pub(crate) fn name(sweep: &Sweep, access: &mut [TableAccess]) {
    for (table, columns) in of(sweep) {
        if let Some(entry) = access.iter_mut().find(|entry| entry.table == table) {
            *entry = entry.clone().index(&columns);
        }
    }
}

/// Tables, and the columns by which the sweep goes along them or looks into them.
fn of(sweep: &Sweep) -> Vec<(String, String)> {
    let own = along(sweep).into_iter();
    let mut list: Vec<_> = own.map(|by| (sweep.table().to_owned(), by)).collect();
    if let Action::Update(assignments) = sweep.action() {
        for assignment in assignments {
            if let Assignment::Related { table, on, .. } = assignment {
                list.push(looked_up(table, on));
            }
        }
    }
    of_condition(sweep.table(), sweep.condition(), &mut list);
    for dependent in sweep.dependents() {
        of_dependent(dependent, &mut list);
    }
    for touched in sweep.touched() {
        // What ON DELETE rules find by: each of these columns refers to the swept row.
        let columns = match touched.delete {
            true => &touched.read,
            false => &touched.update,
        };
        let each = columns.iter().cloned();
        list.extend(each.map(|column| (touched.table.clone(), column)));
    }
    list
}

fn looked_up(table: &str, on: &Join) -> (String, String) {
    let columns: Vec<&str> = on.pairs.iter().map(|pair| pair.foreign.as_str()).collect();
    (table.to_owned(), columns.join(", "))
}

fn of_dependent(dependent: &Dependent, list: &mut Vec<(String, String)>) {
    let (table, columns) = looked_up(&dependent.table, &dependent.on);
    let parts = dependent.matching.as_ref().map(|one| conjuncts(one, true));
    let parts = parts.into_iter().flatten();
    let predicate: Vec<_> = parts
        .filter_map(|(part, holds)| predicate(part, holds, None))
        .collect();
    list.push(match predicate.as_slice() {
        [] => (table, columns),
        some => (table, format!("{columns} where {}", some.join(" and "))),
    });
    for child in &dependent.dependents {
        of_dependent(child, list);
    }
}

fn of_condition(name: &str, condition: &Condition, list: &mut Vec<(String, String)>) {
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
            list.push(looked_up(table, on));
            if let Some(matching) = matching {
                of_condition(table, matching, list);
            }
        }
        Condition::BeyondNewest {
            group_by, order_by, ..
        } => {
            let columns = [group_by.as_slice(), std::slice::from_ref(order_by)].concat();
            list.push((name.to_owned(), columns.join(", ")));
        }
        Condition::All(of) | Condition::Any(of) => {
            for condition in of {
                of_condition(name, condition, list);
            }
        }
        Condition::Not(of) => of_condition(name, of, list),
        _ => {}
    }
}

/// The columns that the sweep goes along on its own table, and what of its condition an index may
/// leave out by a predicate. `None`: the primary key serves.
fn along(sweep: &Sweep) -> Option<String> {
    let parts = conjuncts(sweep.condition(), true);
    let along = sweep.order().or_else(|| {
        parts.iter().find_map(|part| match part {
            (Condition::IdOlderThan { column, .. }, true) => Some(column.as_str()),
            _ => None,
        })
    });
    let predicate: Vec<String> = parts
        .iter()
        .filter_map(|(part, holds)| predicate(part, *holds, along))
        .collect();
    if predicate.is_empty() {
        // Without an order the sweep goes along the primary key, whose index is there already.
        return sweep.order().map(str::to_owned);
    }
    let along = along.unwrap_or("primary key");
    Some(format!("{along} where {}", predicate.join(" and ")))
}

/// The conditions that all have to hold, or with `false`, not to hold.
fn conjuncts(condition: &Condition, holds: bool) -> Vec<(&Condition, bool)> {
    match (condition, holds) {
        (Condition::All(of), true) | (Condition::Any(of), false) => {
            of.iter().flat_map(|one| conjuncts(one, holds)).collect()
        }
        (Condition::Not(of), _) => conjuncts(of, !holds),
        _ => vec![(condition, holds)],
    }
}

/// A condition that stays true of a row for as long as nobody writes to it, in SQL.
fn predicate(part: &Condition, holds: bool, along: Option<&str>) -> Option<String> {
    match part {
        Condition::IsNull { column } | Condition::IsNotNull { column } => {
            let null = matches!(part, Condition::IsNull { .. }) == holds;
            let word = if null { "is null" } else { "is not null" };
            (null || Some(column.as_str()) != along).then(|| format!("{column} {word}"))
        }
        Condition::Compare {
            column,
            operator: operator @ (Comparison::Equal | Comparison::NotEqual),
            to,
        } if holds => {
            let to = match to {
                Value::Boolean(value) => value.to_string(),
                Value::Integer(value) => value.to_string(),
                Value::Text(value) => format!("'{}'", value.replace('\'', "''")),
                _ => return None,
            };
            Some(format!("{column} {operator} {to}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;

    const CUTOFF: Timestamp = Timestamp::from_micros(0);

    fn index_of(sweep: Sweep) -> Vec<(String, String)> {
        super::of(&sweep)
    }

    fn index(columns: &str) -> Vec<(String, String)> {
        vec![("t".to_owned(), columns.to_owned())]
    }

    #[test]
    fn a_sweep_along_a_column_goes_by_an_index_on_it() {
        let sweep = delete("t")
            .matching(column("ended_at").older_than(CUTOFF))
            .order_by("ended_at");

        assert_eq!(index_of(sweep), index("ended_at"));
    }

    #[test]
    fn what_a_row_must_be_besides_its_age_can_be_the_index_s_predicate() {
        let sweep = update("t").set("ip", "").matching(all([
            column("ip").not_equals(""),
            all([column("gone").equals(true), column("ended_at").is_null()]),
            column("seen_at").older_than(CUTOFF),
        ]));

        assert_eq!(
            index_of(sweep.order_by("seen_at")),
            index("seen_at where ip <> '' and gone = true and ended_at is null")
        );
    }

    #[test]
    fn a_sweep_by_the_age_of_its_keys_goes_by_the_primary_key() {
        let sweep = delete("t").matching(column("id").id_older_than(CUTOFF));

        assert_eq!(index_of(sweep), []);
    }

    #[test]
    fn a_sweep_by_the_age_of_a_few_keys_goes_by_an_index_on_those() {
        let orphaned = all([
            column("id").id_older_than(CUTOFF),
            column("user_id").is_null(),
        ]);

        assert_eq!(
            index_of(delete("t").matching(orphaned)),
            index("id where user_id is null")
        );
    }

    #[test]
    fn what_must_not_be_is_a_predicate_too() {
        let owned = any([
            column("user_id").is_not_null(),
            exists("keys", join("t_id").to("id")),
        ]);
        let lost = all([column("id").id_older_than(CUTOFF), not(owned)]);

        let named = index_of(delete("t").matching(lost));

        assert_eq!(named.first(), index("id where user_id is null").first());
    }

    #[test]
    fn a_sweep_without_an_order_goes_by_the_primary_keys_of_the_rows_it_is_about() {
        let sweep = delete("t").matching(column("revoked").equals(true));

        assert_eq!(index_of(sweep), index("primary key where revoked = true"));
    }

    #[test]
    fn what_is_looked_up_elsewhere_is_looked_up_by_the_columns_that_refer_to_the_row() {
        let not_owned = not_exists(
            "owners",
            join("t_id")
                .to("id")
                .and("tenant")
                .matching(exists("keys", join("owner_id").to("id"))),
        );
        let sweep = delete("t")
            .matching(all([column("ended_at").older_than(CUTOFF), not_owned]))
            .order_by("ended_at")
            .dependent(
                Dependent::delete("letters", join("t_id").to("id"))
                    .unlink_first("notes", join("letter_id").to("id")),
            )
            .also_touches(table("guests").updates(["host_id", "guide_id"]))
            .also_touches(table("stamps").reads(["t_id"]).deletes());

        let expected = [
            ("t", "ended_at"),
            ("owners", "t_id, tenant"),
            ("keys", "owner_id"),
            ("letters", "t_id"),
            ("notes", "letter_id"),
            ("guests", "host_id"),
            ("guests", "guide_id"),
            ("stamps", "t_id"),
        ];
        assert_eq!(
            index_of(sweep),
            expected.map(|(table, by)| (table.to_owned(), by.to_owned()))
        );
    }

    #[test]
    fn a_related_value_is_looked_up_too_and_is_named_beside_the_rights() {
        let sweep = update("t")
            .set_from_related("owner", "users", join("id").to("user_id"), "name")
            .matching(column("owner").is_null())
            .order_by("made_at");
        let mut access = sweep.access();

        super::name(&sweep, &mut access);

        let named: Vec<_> = access.iter().map(|entry| entry.extras.clone()).collect();
        let by = |columns: &str| vec![("index".to_owned(), columns.to_owned())];
        assert_eq!(named, [by("made_at where owner is null"), by("id")]);
    }

    #[test]
    fn rows_of_one_kind_that_go_ahead_are_looked_up_among_those() {
        let of_accounts = join("about_id")
            .to("id")
            .matching(column("about_kind").equals("account"));
        let sweep = delete("t")
            .matching(column("id").id_older_than(CUTOFF))
            .delete_first("notes", of_accounts);

        let by = "about_id where about_kind = 'account'".to_owned();
        assert_eq!(index_of(sweep), [("notes".to_owned(), by)]);
    }

    #[test]
    fn keeping_the_newest_goes_by_group_and_order() {
        let sweep = delete("t").matching(beyond_newest(["owner"], "made_at", 10));

        assert_eq!(index_of(sweep), index("owner, made_at"));
    }
}
