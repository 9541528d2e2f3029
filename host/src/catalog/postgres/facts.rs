//! The facts about a table that decide what a delete or an update of its rows does besides.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use sqlx::postgres::types::Oid;

use super::super::{CatalogError, Event, Facts};
use super::zones::TOLD_NOW;

/// An expression: the facts about the table `known.oid` where `known.event` (a bit of `tgtype`) happens to its
/// rows; NULL where it is not there. `partitioned`: it may be a partitioned table, whose partitions' own keys,
/// triggers and rules count as well. What each partition has from its parent does not, so that one which is made
/// or dropped meanwhile changes nothing.
///
/// Each part is found by an index, for one table after the other: OFFSET 0 keeps the planner from reading a whole
/// system table for a few. A trigger's function counts by its source, which `CREATE OR REPLACE` changes
/// without a lock on the table.
pub(in crate::catalog) fn expression(partitioned: bool) -> String {
    let (tree, own) = match partitioned {
        false => ("SELECT known.oid", ""),
        true => (
            "SELECT tree.oid, tree.below FROM (
               WITH RECURSIVE tree(oid, below) AS (
                 SELECT known.oid, false
                 UNION ALL
                 SELECT i.inhrelid, true
                 FROM tree
                 CROSS JOIN LATERAL (
                    SELECT i.inhrelid FROM pg_catalog.pg_inherits i
                    WHERE i.inhparent = tree.oid AND pg_get_partkeydef(tree.oid) IS NOT NULL OFFSET 0) AS i)
               SELECT oid, below FROM tree) AS tree",
            // Before PostgreSQL 15 a key's triggers do not say that they are copies.
            "AND (NOT tree.below OR t.tgenabled <> 'O' OR t.tgparentid = 0 AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_constraint k WHERE k.oid = t.tgconstraint AND k.conparentid <> 0))",
        ),
    };
    // A key says by itself what it does, and whether all four of its triggers are on; whether old rows were looked
    // at changes nothing about it.
    format!(
        "(SELECT string_agg(part.fact, E'\\n' ORDER BY part.fact COLLATE \"C\") FROM (
            SELECT {TABLE} AS fact FROM pg_catalog.pg_class c WHERE c.oid = known.oid
            UNION ALL
            SELECT concat_ws(' ', 'trigger', t.tgname, t.tgtype, t.tgenabled, t.tgfoid, t.tgattr,
                             CASE WHEN NOT t.tgisinternal THEN hashtext(pg_get_functiondef(t.tgfoid)) END,
                             CASE WHEN NOT t.tgisinternal THEN hashtext(pg_get_triggerdef(t.oid)) END,
                             CASE WHEN t.tgconstraint <> 0 THEN
                                 t.tgconstrrelid::regclass || ' ' ||
                                 replace(pg_get_constraintdef(t.tgconstraint), ' NOT VALID', '') || ' ' ||
                                 (SELECT string_agg(end_of.tgenabled, '' ORDER BY end_of.tgenabled)
                                  FROM pg_catalog.pg_trigger end_of
                                  WHERE end_of.tgconstraint = t.tgconstraint) END)
            FROM ({tree}) AS tree
            CROSS JOIN LATERAL (SELECT own.* FROM pg_catalog.pg_trigger own WHERE own.tgrelid = tree.oid OFFSET 0) AS t
            WHERE t.tgtype & known.event <> 0 {own}
            UNION ALL
            SELECT concat_ws(' ', 'rule', r.rulename, r.ev_enabled, r.is_instead)
            FROM ({tree}) AS tree
            CROSS JOIN LATERAL (SELECT own.* FROM pg_catalog.pg_rewrite own WHERE own.ev_class = tree.oid OFFSET 0) AS r
            WHERE r.ev_type = CASE known.event WHEN 8 THEN '4' ELSE '2' END
            UNION ALL
            SELECT concat_ws(' ', 'heir', i.inhrelid)
            FROM pg_catalog.pg_inherits i
            WHERE i.inhparent = known.oid AND pg_get_partkeydef(known.oid) IS NULL
         ) AS part)"
    )
}

/// What the name of a table `c` stands for.
const TABLE: &str = "concat_ws(' ', 'table', c.relnamespace::regnamespace, c.relname, c.relkind)";

/// What the name of a column `a` stands for. Its number tells it from another that has taken its name. Of defaults those
/// count by which rows come to be written in a zone of their own.
const COLUMN: &str =
    "concat_ws(' ', 'column', a.attnum, a.attname, format_type(a.atttypid, a.atttypmod),
                             nullif(a.attcollation, 0)::regcollation,
                             CASE WHEN a.atthasdef AND a.atttypid <> 'pg_catalog.timestamptz'::regtype THEN
                                 (SELECT told.zone FROM pg_catalog.pg_attrdef d
                                  CROSS JOIN LATERAL (SELECT pg_get_expr(d.adbin, d.adrelid) AS zone) AS told
                                  WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum
                                    AND told.zone ~* 'at time zone|timezone[(]') END)";

/// An expression: what the name of the column `used.name` of the table `used.oid` stands for, or, where that is
/// empty, the table's own; NULL where it stands for nothing. Of no table, what sessions are told about their zone.
pub(in crate::catalog) fn named() -> String {
    format!(
        "CASE
             WHEN used.oid = 0 THEN coalesce({TOLD_NOW}, '')
             WHEN used.name = '' THEN (SELECT {TABLE} FROM pg_catalog.pg_class c WHERE c.oid = used.oid)
             ELSE (SELECT {COLUMN} FROM pg_catalog.pg_attribute a
                   WHERE a.attrelid = used.oid AND a.attname = used.name::name AND NOT a.attisdropped) END"
    )
}

/// The facts of every table, read before anything else of the catalog: what changes while that is read is then
/// a change to the facts, and not one that nobody has seen.
pub(super) async fn load(connection: &mut PgConnection) -> Result<Vec<(Oid, Facts)>, CatalogError> {
    let of_kind = |kind: &str, partitioned: bool| {
        let of = |event: Event| {
            let expression = expression(partitioned);
            let bit = event.bit();
            format!("(SELECT {expression} FROM (SELECT c.oid, {bit}::int2 AS event) AS known)")
        };
        format!(
            "SELECT c.oid, {}, {}
             FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind = '{kind}' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'",
            of(Event::Delete),
            of(Event::Update)
        )
    };
    let sql = format!("{} UNION ALL {}", of_kind("r", false), of_kind("p", true));
    let rows: Vec<(Oid, Option<String>, Option<String>)> = sqlx::query_as(AssertSqlSafe(sql))
        .persistent(false)
        .fetch_all(&mut *connection)
        .await
        .map_err(CatalogError::reading("what takes part in changes"))?;
    let mut names = load_named(connection).await?;
    let facts = rows.into_iter().map(|(oid, deletes, updates)| {
        let (itself, columns) = names.remove(&oid.0).unwrap_or_default();
        let facts = Facts {
            replaces: false,
            oid: oid.0,
            deletes: deletes.unwrap_or_default(),
            updates: updates.unwrap_or_default(),
            itself,
            columns,
            root: 0,
            place: 0,
        };
        (oid, facts)
    });
    Ok(facts.collect())
}

/// What is known of one table by its name and those of its columns.
type Named = (String, BTreeMap<String, String>);

async fn load_named(connection: &mut PgConnection) -> Result<BTreeMap<u32, Named>, CatalogError> {
    let sql = format!(
        "SELECT c.oid, {TABLE}, a.attname::text, {COLUMN}
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
    );
    let rows: Vec<(Oid, String, Option<String>, String)> = sqlx::query_as(AssertSqlSafe(sql))
        .persistent(false)
        .fetch_all(connection)
        .await
        .map_err(CatalogError::reading("what names stand for"))?;
    let mut names: BTreeMap<u32, Named> = BTreeMap::new();
    for (oid, table, name, column) in rows {
        let named = names
            .entry(oid.0)
            .or_insert_with(|| (table, BTreeMap::new()));
        if let Some(name) = name {
            named.1.insert(name, column);
        }
    }
    Ok(names)
}
