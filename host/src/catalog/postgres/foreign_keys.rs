//! Foreign keys, both ways.
//!
//! A partitioned table's foreign key has copies: at every partition of the child, and for every
//! partition of the parent. A sweep goes leaf by leaf, so a leaf must know both what it refers to
//! and what refers to it; but nobody should meet the same child twice. So a table's own keys leave
//! out the copies that stand for partitions of the parent, and the keys that point at it leave out
//! the copies that stand for partitions of the child.

use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, FromRow, Row};

use super::super::{CatalogError, Equality, ForeignKey, OnDelete, TableId};
use super::{Tables, of_tables};

/// `server_version_num` since which ON DELETE SET NULL may list columns.
const SET_COLUMNS_SINCE: i32 = 150_000;

/// `server_version_num` since which a constraint may be NOT ENFORCED: then it does nothing at all
/// on a delete, and counts as none.
const NOT_ENFORCED_SINCE: i32 = 180_000;

/// `server_version_num` since which the last columns of a foreign key may be periods. Any number of rows may cover
/// the period of one that refers to them together, so that only the columns before it tell which rows may be meant.
const PERIODS_SINCE: i32 = 180_000;

/// One constraint, and which of the two tables is to know it.
struct Found {
    key: ForeignKey,
    child: Oid,
    parent: Oid,
    /// The operators that hold the parent's columns and the child's to be equal.
    by: Vec<By>,
    /// It is one of the child's own keys.
    outward: bool,
    /// It is one of the keys that point at the parent.
    inward: bool,
}

/// One operator of a key.
struct By {
    operator: String,
    /// It is one of the server's own.
    built_in: bool,
    /// The types that it takes; `None`: any that are alike.
    parent: Option<String>,
    child: Option<String>,
}

impl By {
    fn of(row: &PgRow) -> Result<Vec<Self>, sqlx::Error> {
        let operators: Vec<String> = row.try_get("operators")?;
        let built_in: Vec<bool> = row.try_get("built_in")?;
        let lefts: Vec<Option<String>> = row.try_get("lefts")?;
        let rights: Vec<Option<String>> = row.try_get("rights")?;
        let types = lefts.into_iter().zip(rights);
        let all = operators.into_iter().zip(built_in).zip(types);
        let by = all.map(|((operator, built_in), (parent, child))| Self {
            operator,
            built_in,
            parent,
            child,
        });
        Ok(by.collect())
    }
}

impl FromRow<'_, PgRow> for Found {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let on_delete = match row.try_get("rule")? {
            "r" => OnDelete::Restrict,
            "c" => OnDelete::Cascade,
            "n" => OnDelete::SetNull,
            "d" => OnDelete::SetDefault,
            _ => OnDelete::NoAction,
        };
        let columns: Vec<String> = row.try_get("columns")?;
        let listed: Option<Vec<String>> = row.try_get("set_columns")?;
        let set_columns = match on_delete {
            OnDelete::SetNull | OnDelete::SetDefault => listed.unwrap_or_else(|| columns.clone()),
            OnDelete::NoAction | OnDelete::Restrict | OnDelete::Cascade => Vec::new(),
        };
        let id = |schema, name| -> Result<TableId, sqlx::Error> {
            Ok(TableId::new(
                row.try_get::<String, _>(schema)?,
                row.try_get::<String, _>(name)?,
            ))
        };
        Ok(Self {
            key: ForeignKey {
                name: row.try_get("conname")?,
                child: id("child_schema", "child_name")?,
                columns,
                parent: id("parent_schema", "parent_name")?,
                parent_columns: row.try_get("parent_columns")?,
                on_delete,
                set_columns,
                deferrable: row.try_get("condeferrable")?,
                validated: row.try_get("convalidated")?,
                stuck: Vec::new(),
                lone_default: None,
                held_by: None,
                may_be_held_by: Vec::new(),
                disabled: row.try_get("disabled")?,
                equalities: Vec::new(),
                full: row.try_get("full")?,
                torn: false,
                mismatched: None,
            },
            child: row.try_get("conrelid")?,
            parent: row.try_get("confrelid")?,
            by: By::of(row)?,
            outward: row.try_get("outward")?,
            inward: row.try_get("inward")?,
        })
    }
}

fn statement(server_version: i32) -> String {
    let set_columns = if server_version >= SET_COLUMNS_SINCE {
        "con.confdelsetcols"
    } else {
        "NULL::int2[]"
    };
    let enforced = if server_version >= NOT_ENFORCED_SINCE {
        "con.conenforced"
    } else {
        "true"
    };
    let plain = |numbers: &str| match server_version >= PERIODS_SINCE {
        true => format!("CASE WHEN con.conperiod THEN trim_array({numbers}, 1) ELSE {numbers} END"),
        false => numbers.to_owned(),
    };
    let names = |table: &str, numbers: &str| {
        format!(
            "(SELECT array_agg(a.attname::text ORDER BY u.n)
              FROM unnest({numbers}) WITH ORDINALITY AS u(number, n)
              JOIN pg_catalog.pg_attribute a ON a.attrelid = {table} AND a.attnum = u.number)"
        )
    };
    // Of each operator: for two types, or for all of a kind.
    let types = |of: &str| {
        format!(
            "ARRAY(SELECT CASE WHEN t.typtype <> 'p' THEN format_type(t.oid, -1) END
                   FROM unnest({pairs}) WITH ORDINALITY AS u(operator, n)
                   JOIN pg_catalog.pg_operator o ON o.oid = u.operator
                   JOIN pg_catalog.pg_type t ON t.oid = o.{of} ORDER BY u.n)",
            pairs = plain("con.conpfeqop")
        )
    };
    let operators = |what: &str| {
        format!(
            "ARRAY(SELECT {what}
                   FROM unnest({pairs}) WITH ORDINALITY AS u(operator, n)
                   JOIN pg_catalog.pg_operator o ON o.oid = u.operator
                   JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace ORDER BY u.n)",
            pairs = plain("con.conpfeqop")
        )
    };
    format!(
        // A partition's copy of a key that is disabled leaves the whole key with a hole.
        "WITH RECURSIVE off(oid) AS (
            SELECT t.tgconstraint FROM pg_catalog.pg_trigger t
            WHERE t.tgconstraint <> 0 AND t.tgenabled NOT IN ('O', 'A')
            UNION
            SELECT copy.conparentid FROM off JOIN pg_catalog.pg_constraint copy ON copy.oid = off.oid
            WHERE copy.conparentid <> 0)
         SELECT con.conrelid, con.confrelid, con.conname::text,
                cn.nspname::text AS child_schema, c.relname::text AS child_name,
                pn.nspname::text AS parent_schema, p.relname::text AS parent_name,
                {columns} AS columns, {parent_columns} AS parent_columns,
                {set_columns} AS set_columns, con.confdeltype::text AS rule,
                con.condeferrable, con.convalidated, con.confmatchtype = 'f' AS \"full\",
                {operators} AS operators, {built_in} AS built_in, {lefts} AS lefts, {rights} AS rights,
                con.oid IN (SELECT off.oid FROM off) AS disabled,
                up.oid IS NULL OR up.conrelid <> con.conrelid AS outward,
                up.oid IS NULL OR up.confrelid <> con.confrelid AS inward
         FROM pg_catalog.pg_constraint con
         LEFT JOIN pg_catalog.pg_constraint up ON up.oid = con.conparentid
         JOIN pg_catalog.pg_class c ON c.oid = con.conrelid
         JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
         JOIN pg_catalog.pg_class p ON p.oid = con.confrelid
         JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
         WHERE con.contype = 'f' AND {enforced}
           AND (con.conrelid = ANY($1) OR con.confrelid = ANY($1))
         ORDER BY cn.nspname, c.relname, con.conname, con.oid",
        columns = names("con.conrelid", &plain("con.conkey")),
        parent_columns = names("con.confrelid", &plain("con.confkey")),
        set_columns = names("con.conrelid", set_columns),
        operators = operators("format('OPERATOR(%I.%s)', n.nspname, o.oprname)"),
        built_in = operators("n.nspname = 'pg_catalog'"),
        lefts = types("oprleft"),
        rights = types("oprright"),
    )
}

pub(super) async fn add(
    connection: &mut PgConnection,
    tables: &mut Tables,
    server_version: i32,
) -> Result<(), CatalogError> {
    let sql = AssertSqlSafe(statement(server_version));
    let rows: Vec<Found> = of_tables(connection, "foreign keys", sql, tables).await?;
    for mut found in rows {
        found.key.equalities = equalities(&found, tables);
        if found.inward
            && let Some(table) = tables.get_mut(&found.parent.0)
        {
            table.referenced_by.push(found.key.clone());
        }
        if found.outward
            && let Some(table) = tables.get_mut(&found.child.0)
        {
            table.foreign_keys.push(found.key);
        }
    }
    Ok(())
}

/// Where all of it is the server's own, `=` says the same.
fn equalities(found: &Found, tables: &Tables) -> Vec<Option<Equality>> {
    let column = |table: Oid, name: &String| tables.get(&table.0)?.column(name);
    let columns = found.key.parent_columns.iter().zip(&found.key.columns);
    let each = found.by.iter().zip(columns).map(|(by, (to, from))| {
        let (parent, child) = (column(found.parent, to)?, column(found.child, from)?);
        if by.built_in && parent.operators.is_none() && child.operators.is_none() {
            return None;
        }
        let cast = |wanted: &Option<String>, has: &str| {
            let wanted = wanted.as_ref().filter(|wanted| *wanted != has);
            wanted.cloned()
        };
        Some(Equality {
            operator: by.operator.clone(),
            parent: cast(&by.parent, &parent.sql_type),
            child: cast(&by.child, &child.sql_type),
        })
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::statement;

    #[test]
    fn a_server_is_not_asked_for_columns_that_its_system_tables_lack() {
        assert!(!statement(140_012).contains("confdelsetcols"));
        assert!(statement(150_000).contains("confdelsetcols"));
        assert!(!statement(170_000).contains("conenforced"));
        assert!(statement(180_000).contains("conenforced"));
        assert!(!statement(170_000).contains("conperiod"));
        assert!(statement(180_000).contains("conperiod"));
    }
}
