//! The data as SQL: making the tables, filling them, and reading them back.

use besom::catalog::Dialect;
use besom::database::Statement;
use besom::request::Timestamp;
use besom_tests::lab::Lab;

use super::world::{AT, Cells, Kind, N, Rule, State, World};

fn literal(dialect: Dialect, kind: Kind, cell: Option<i64>) -> String {
    let Some(value) = cell else {
        return "NULL".to_owned();
    };
    match (kind, dialect) {
        (Kind::Integer, _) | (Kind::Time | Kind::Boolean, Dialect::Sqlite) => value.to_string(),
        (Kind::Text, _) => format!("'k{value:03}'"),
        (Kind::Id, Dialect::Postgres) => format!("'00000000-0000-7000-8000-{value:012x}'"),
        (Kind::Id, Dialect::Sqlite) => format!("x'00000000000070008000{value:012x}'"),
        (Kind::Boolean, Dialect::Postgres) => (value != 0).to_string(),
        (Kind::Time, Dialect::Postgres) => format!("'{}'", Timestamp(value)),
    }
}

fn type_of(dialect: Dialect, kind: Kind) -> &'static str {
    match (kind, dialect) {
        (Kind::Integer, Dialect::Postgres) => "bigint",
        (Kind::Text, _) => "text",
        (Kind::Id, Dialect::Postgres) => "uuid",
        (Kind::Boolean, Dialect::Postgres) => "boolean",
        (Kind::Time, Dialect::Postgres) => "timestamptz",
        (Kind::Id, Dialect::Sqlite) => "BLOB",
        (_, Dialect::Sqlite) => "INTEGER",
    }
}

/// Every table with its rows; foreign keys hold from then on.
pub(super) fn script(dialect: Dialect, world: &World, state: &State) -> String {
    let (mut tables, mut keys) = (String::new(), String::new());
    for (place, table) in world.tables.iter().enumerate() {
        let names = |columns: &[usize], of: usize| {
            let columns = columns
                .iter()
                .map(|at| world.tables[of].columns[*at].name.as_str());
            columns.collect::<Vec<_>>().join(", ")
        };
        let mut parts: Vec<String> = table
            .columns
            .iter()
            .map(|column| {
                let null = if column.nullable { "" } else { " NOT NULL" };
                format!("{} {}{null}", column.name, type_of(dialect, column.kind))
            })
            .collect();
        parts.push(format!("PRIMARY KEY ({})", names(&table.primary, place)));
        if table.primary != [N] {
            parts.push("UNIQUE (n)".to_owned());
        }
        let mut after = String::new();
        for (number, key) in world.keys.iter().enumerate() {
            if key.child != place {
                continue;
            }
            let rule = match key.rule {
                Rule::NoAction => "NO ACTION",
                Rule::Restrict => "RESTRICT",
                Rule::Cascade => "CASCADE",
                Rule::SetNull => "SET NULL",
            };
            let deferred = match key.deferred {
                true => " DEFERRABLE INITIALLY DEFERRED",
                false => "",
            };
            let own = names(&key.columns, place);
            let constraint = format!(
                "CONSTRAINT {}_k{number} FOREIGN KEY ({own}) REFERENCES {} ({}) ON DELETE {rule}{deferred}",
                table.name,
                world.tables[key.parent].name,
                names(&key.parent_columns, key.parent),
            );
            match dialect {
                Dialect::Sqlite => parts.push(constraint),
                Dialect::Postgres => {
                    after += &format!("ALTER TABLE {} ADD {constraint};", table.name);
                }
            }
            if key.indexed {
                let name = &table.name;
                after += &format!("CREATE INDEX {name}_i{number} ON {name} ({own});");
            }
        }
        let options = match (dialect, table.without_rowid) {
            (Dialect::Postgres, _) => "",
            (Dialect::Sqlite, true) => " STRICT, WITHOUT ROWID",
            (Dialect::Sqlite, false) => " STRICT",
        };
        let name = &table.name;
        tables += &format!("CREATE TABLE {name} ({}){options};", parts.join(", "));
        if table.indexed {
            let at = &table.columns[AT].name;
            tables += &format!("CREATE INDEX {name}_at ON {name} ({at});");
        }
        tables += &rows(dialect, world, state, place);
        keys += &after;
    }
    match dialect {
        // Keys come last, because rows of tables that refer to each other go in in any order.
        Dialect::Postgres => format!("BEGIN; {tables} {keys} COMMIT;"),
        Dialect::Sqlite => format!(
            "PRAGMA foreign_keys = OFF; BEGIN; {tables} {keys} COMMIT; PRAGMA foreign_keys = ON;"
        ),
    }
}

fn rows(dialect: Dialect, world: &World, state: &State, place: usize) -> String {
    let table = &world.tables[place];
    if state[place].is_empty() {
        return String::new();
    }
    let row = |cells: &Cells| {
        let cells = cells.iter().zip(&table.columns);
        let cells: Vec<_> = cells
            .map(|(cell, column)| literal(dialect, column.kind, *cell))
            .collect();
        format!("({})", cells.join(", "))
    };
    let rows: Vec<_> = state[place].values().map(row).collect();
    format!("INSERT INTO {} VALUES {};", table.name, rows.join(", "))
}

/// The tables are gone, whoever refers to whom.
pub(super) fn drop_script(dialect: Dialect, world: &World) -> String {
    let mut sql = String::new();
    for table in &world.tables {
        sql += &match dialect {
            Dialect::Postgres => format!("DROP TABLE {} CASCADE;", table.name),
            Dialect::Sqlite => format!("DROP TABLE {};", table.name),
        };
    }
    match dialect {
        Dialect::Postgres => sql,
        Dialect::Sqlite => format!("PRAGMA foreign_keys = OFF; {sql} PRAGMA foreign_keys = ON;"),
    }
}

/// What the database holds now.
pub(super) async fn read(lab: &Lab, world: &World) -> State {
    let dialect = lab.dialect();
    let mut session = lab.session().await;
    let mut state = State::new();
    for table in &world.tables {
        let cells: Vec<_> = table
            .columns
            .iter()
            .map(|column| {
                let name = &column.name;
                let text = match (dialect, column.kind) {
                    (Dialect::Sqlite, Kind::Id) => format!("hex({name})"),
                    (Dialect::Sqlite, _) => format!("CAST({name} AS TEXT)"),
                    (Dialect::Postgres, Kind::Boolean) => format!("{name}::int::text"),
                    (Dialect::Postgres, Kind::Time) => {
                        format!("(extract(epoch FROM {name}) * 1000000)::bigint::text")
                    }
                    (Dialect::Postgres, _) => format!("{name}::text"),
                };
                format!("CASE WHEN {name} IS NULL THEN '-' ELSE {text} END")
            })
            .collect();
        let mut statement = Statement::new(dialect);
        statement.push(&format!(
            "SELECT {} FROM {}",
            cells.join(" || '|' || "),
            table.name
        ));
        let rows = session.fetch(&statement).await.unwrap();
        let rows = rows.iter().map(|row| {
            let text = row.get(0).as_text().unwrap();
            let cells = text.split('|').zip(&table.columns);
            let cells: Cells = cells
                .map(|(text, column)| value(column.kind, text))
                .collect();
            (cells[N].unwrap(), cells)
        });
        state.push(rows.collect());
    }
    state
}

fn value(kind: Kind, text: &str) -> Option<i64> {
    if text == "-" {
        return None;
    }
    Some(match kind {
        Kind::Integer | Kind::Time | Kind::Boolean => text.parse().unwrap(),
        Kind::Text => text[1..].parse().unwrap(),
        Kind::Id => i64::from_str_radix(&text[text.len() - 12..], 16).unwrap(),
    })
}
