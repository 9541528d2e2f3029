//! Where a database is not what the facts say.

use super::{Schema, Table, split};

/// One line for each fact that the database does not share, and for each thing in a table of the facts that
/// they do not know. Tables that they do not name are nobody's business here.
pub fn differences(facts: &Schema, database: &Schema) -> Vec<String> {
    let mut found = Vec::new();
    for (name, values) in &facts.enums {
        let there = database.enums.get(name);
        if there != Some(values) {
            let there = there.map_or("there is no such type".to_owned(), |v| v.join(", "));
            found.push(format!(
                "type {name}\n    facts:    {}\n    database: {there}",
                values.join(", ")
            ));
        }
    }
    for (name, table) in &facts.tables {
        match database.tables.get(name) {
            None => found.push(format!(
                "table {name}\n    database: there is no such table"
            )),
            Some(there) => of_table(name, table, there, &mut found),
        }
    }
    found
}

fn of_table(name: &str, facts: &Table, database: &Table, found: &mut Vec<String>) {
    let kinds = [
        ("column", &facts.columns, &database.columns),
        ("key", &facts.keys, &database.keys),
        ("index", &facts.indexes, &database.indexes),
    ];
    for (kind, facts, database) in kinds {
        let mut names: Vec<&str> = facts
            .iter()
            .chain(database)
            .map(|line| split(line).0)
            .collect();
        names.sort_unstable();
        names.dedup();
        let of = |lines: &[String], name: &str| {
            let line = lines.iter().find(|line| split(line).0 == name);
            line.map(|line| split(line).1.to_owned())
        };
        for thing in names {
            let (told, there) = (of(facts, thing), of(database, thing));
            if told != there {
                let none = || format!("no such {kind}");
                found.push(format!(
                    "{name}, {kind} {thing}\n    facts:    {}\n    database: {}",
                    told.unwrap_or_else(none),
                    there.unwrap_or_else(none)
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::load;
    use super::*;

    /// The facts of MAS, and a database that differs from them in one line.
    fn with(change: impl FnOnce(&mut Schema)) -> Vec<String> {
        let facts = load("mas");
        let mut database = facts.clone();
        change(&mut database);
        differences(&facts, &database)
    }

    fn change(lines: &mut [String], name: &str, from: &str, to: &str) {
        let line = lines.iter_mut().find(|line| split(line).0 == name).unwrap();
        assert!(line.contains(from), "{line}");
        *line = line.replace(from, to);
    }

    #[test]
    fn a_database_that_is_what_the_facts_say_differs_in_nothing() {
        assert_eq!(with(|_| ()), [] as [&str; 0]);
    }

    #[test]
    fn another_rule_is_told_with_both_sides() {
        let found = with(|database| {
            let table = database.tables.get_mut("compat_sso_logins").unwrap();
            let key = "compat_sso_logins_user_session_id_fkey";
            change(&mut table.keys, key, "CASCADE", "SET NULL");
        });

        let key =
            "FOREIGN KEY (user_session_id) REFERENCES user_sessions(user_session_id) ON DELETE";
        assert_eq!(
            found,
            [format!(
                "compat_sso_logins, key compat_sso_logins_user_session_id_fkey\n    \
                 facts:    {key} CASCADE\n    database: {key} SET NULL"
            )]
        );
    }

    #[test]
    fn what_only_one_side_has_is_told_be_it_a_column_a_default_an_index_a_value_or_a_table() {
        for (named, change) in [
            (
                "queue_jobs, column attempt",
                (|database| {
                    let table = database.tables.get_mut("queue_jobs").unwrap();
                    change(&mut table.columns, "attempt", " DEFAULT 0", "");
                }) as fn(&mut Schema),
            ),
            ("users, column name", |database| {
                let table = database.tables.get_mut("users").unwrap();
                table.columns.push("name text".to_owned());
            }),
            ("users, index users_lower_username_idx", |database| {
                database.tables.get_mut("users").unwrap().indexes.clear();
            }),
            ("type queue_job_status", |database| {
                database.enums.get_mut("queue_job_status").unwrap().pop();
            }),
            ("table queue_leader", |database| {
                database.tables.remove("queue_leader");
            }),
        ] {
            let found = with(change);
            assert_eq!(found.len(), 1, "{found:#?}");
            assert!(found[0].starts_with(named), "{found:#?}");
        }
    }

    #[test]
    fn a_table_that_the_facts_do_not_name_is_nobody_s_business() {
        let found = with(|database| {
            database
                .tables
                .insert("another".to_owned(), Table::default());
        });
        assert_eq!(found, [] as [&str; 0]);
    }
}
