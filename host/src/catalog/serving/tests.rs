//! What the tests of this room's test are made of.

mod orders;
mod predicates;

use super::*;
use crate::catalog::Behind;
use crate::catalog::types::{Collation, Column, Kind, Privileges, TableId, TableKind};
use crate::request::{Comparison, Timestamp, Value};

fn column(name: &str, sql_type: &str, kind: Kind) -> Column {
    let collation = (kind == Kind::Text).then(|| Collation {
        sql_name: "pg_catalog.\"default\"".to_owned(),
        deterministic: true,
        orders_ids: true,
    });
    Column {
        name: name.to_owned(),
        sql_type: sql_type.to_owned(),
        stored_type: sql_type.to_owned(),
        kind,
        collation,
        affinity: None,
        nullable: true,
        generated: false,
        computed: false,
        readable: true,
        assignable: true,
        operators: None,
        time_form: None,
        clocks: Vec::new(),
    }
}

fn table(dialect: Dialect) -> Table {
    let moods = Kind::Enum(vec!["a".to_owned(), "b c".to_owned()]);
    let columns = match dialect {
        Dialect::Postgres => vec![
            column("id", "uuid", Kind::Uuid),
            column("t", "timestamp with time zone", Kind::Timestamp),
            column("ip", "inet", Kind::Inet),
            column("s", "text", Kind::Text),
            column("v", "character varying", Kind::Text),
            column("c", "bpchar", Kind::Text),
            column("n", "integer", Kind::Integer(32)),
            column("b", "bigint", Kind::Integer(64)),
            column("nu", "numeric", Kind::Numeric),
            column("flag", "boolean", Kind::Boolean),
            column("m", "mood", moods),
            column("Odd \"Name", "text", Kind::Text),
        ],
        Dialect::Sqlite => vec![
            column("id", "INTEGER", Kind::Integer(64)),
            column("t", "INTEGER", Kind::Integer(64)),
            column("ip", "TEXT", Kind::Text),
            column("s", "TEXT", Kind::Text),
            column("n", "INTEGER", Kind::Integer(64)),
            column("flag", "BOOLEAN", Kind::Boolean),
            column("Odd \"Name", "TEXT", Kind::Text),
        ],
    };
    Table {
        id: TableId::new("public", "t"),
        kind: TableKind::Table,
        columns,
        primary_key: vec!["id".to_owned()],
        foreign_keys: Vec::new(),
        referenced_by: Vec::new(),
        indexes: Vec::new(),
        triggers: Vec::new(),
        behind: Behind::default(),
        partitions: Vec::new(),
        partition_key: Vec::new(),
        privileges: Privileges::default(),
        row_security: false,
        estimated_rows: 0,
        has_rowid: dialect == Dialect::Sqlite,
        rowid_alias: (dialect == Dialect::Sqlite).then(|| "id".to_owned()),
    }
}

fn compare(column: &str, operator: Comparison, to: Value) -> Condition {
    Condition::Compare {
        column: column.to_owned(),
        operator,
        to,
    }
}

fn is(column: &str, to: Value) -> Condition {
    compare(column, Comparison::Equal, to)
}

fn not(column: &str, to: Value) -> Condition {
    compare(column, Comparison::NotEqual, to)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn old() -> Condition {
    Condition::OlderThan {
        column: "t".to_owned(),
        cutoff: Timestamp(0),
        offset: 0,
    }
}

fn set(column: &str) -> Condition {
    Condition::IsNotNull {
        column: column.to_owned(),
    }
}

fn null(column: &str) -> Condition {
    Condition::IsNull {
        column: column.to_owned(),
    }
}

fn one_of(column: &str, values: &[Value]) -> Condition {
    Condition::OneOf {
        column: column.to_owned(),
        values: values.to_vec(),
    }
}

fn negated(condition: Condition) -> Condition {
    Condition::Not(Box::new(condition))
}
