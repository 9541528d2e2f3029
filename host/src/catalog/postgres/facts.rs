//! The facts about a table that decide what a delete or an update of its rows does besides.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use sqlx::postgres::types::Oid;

use super::super::{CatalogError, Event, Facts};

/// An expression: the facts about the table `known.oid` where `known.event` (a bit of `tgtype`) happens to its
/// rows; NULL where it is not there. `partitioned`: it may be a partitioned table, whose partitions' own keys,
/// triggers and rules count as well. What each partition has from its parent does not, so that one which is made
/// or dropped meanwhile changes nothing.
///
/// Each part is found by an index. A trigger's function counts by its source, which `CREATE OR REPLACE` changes
/// without a lock on the table.
pub(in crate::catalog) fn expression(partitioned: bool) -> String {
    let tree = match partitioned {
        false => "SELECT known.oid, false AS below",
        true => {
            "SELECT tree.oid, tree.below FROM (
               WITH RECURSIVE tree(oid, below) AS (
                 SELECT known.oid, false
                 UNION ALL
                 SELECT i.inhrelid, true
                 FROM tree
                 JOIN pg_catalog.pg_class c ON c.oid = tree.oid AND c.relkind = 'p'
                 JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.oid)
               SELECT oid, below FROM tree) AS tree"
        }
    };
    format!(
        "(SELECT string_agg(part.fact, E'\\n' ORDER BY part.fact COLLATE \"C\") FROM (
            SELECT concat_ws(' ', 'table', n.nspname, c.relname, c.relkind) AS fact
            FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE c.oid = known.oid
            UNION ALL
            SELECT concat_ws(' ', 'trigger', t.tgname, t.tgtype, t.tgenabled, t.tgfoid, hashtext(f.prosrc),
                             t.tgattr, k.conrelid, k.conkey, k.confrelid, k.confkey, k.confdeltype, k.confupdtype,
                             to_jsonb(k) ->> 'confdelsetcols')
            FROM ({tree}) AS tree
            JOIN pg_catalog.pg_trigger t ON t.tgrelid = tree.oid
            JOIN pg_catalog.pg_proc f ON f.oid = t.tgfoid
            LEFT JOIN pg_catalog.pg_constraint k ON k.oid = t.tgconstraint
            WHERE t.tgtype & known.event <> 0
              AND (NOT tree.below OR t.tgenabled <> 'O'
                   OR t.tgparentid = 0 AND coalesce(k.conparentid, 0) = 0)
            UNION ALL
            SELECT concat_ws(' ', 'rule', r.rulename, r.ev_enabled, r.is_instead)
            FROM ({tree}) AS tree JOIN pg_catalog.pg_rewrite r ON r.ev_class = tree.oid
            WHERE r.ev_type = CASE known.event WHEN 8 THEN '4' ELSE '2' END
            UNION ALL
            SELECT concat_ws(' ', 'heir', i.inhrelid)
            FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhparent
            WHERE i.inhparent = known.oid AND c.relkind <> 'p'
         ) AS part)"
    )
}

/// The facts of every table, read before anything else of the catalog: what changes while that is read is then
/// a change to the facts, and not one that nobody has seen.
pub(super) async fn load(connection: &mut PgConnection) -> Result<Vec<(Oid, Facts)>, CatalogError> {
    let of = |event: Event| {
        format!(
            "SELECT {} FROM (SELECT c.oid, {}::int2 AS event) AS known",
            expression(true),
            event.bit()
        )
    };
    let sql = format!(
        "SELECT c.oid, ({}), ({}) FROM pg_catalog.pg_class c
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'",
        of(Event::Delete),
        of(Event::Update)
    );
    let rows: Vec<(Oid, Option<String>, Option<String>)> = sqlx::query_as(AssertSqlSafe(sql))
        .persistent(false)
        .fetch_all(connection)
        .await
        .map_err(CatalogError::reading("what takes part in changes"))?;
    let facts = rows.into_iter().map(|(oid, deletes, updates)| {
        let facts = Facts {
            oid: oid.0,
            deletes: deletes.unwrap_or_default(),
            updates: updates.unwrap_or_default(),
        };
        (oid, facts)
    });
    Ok(facts.collect())
}
