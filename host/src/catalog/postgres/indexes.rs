//! Indexes, primary keys and triggers.

use sqlx::postgres::PgConnection;
use sqlx::postgres::types::Oid;

use super::super::{CatalogError, Index, IndexColumn, Notes, Trigger, TriggerTiming, noting};
use super::{Tables, of_tables};

/// `indkey` and its companions count from 0; 0 among the keys is an expression. An option's first
/// bit is DESC, its second NULLS FIRST. A partitioned table's index holds nothing itself.
const INDEXES: &str = "
SELECT i.indrelid, c.relname::text, i.indisprimary, i.indisunique,
       NOT coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false),
       i.indisvalid AND i.indisready, m.amname::text,
       pg_get_expr(i.indpred, i.indrelid),
       CASE WHEN c.relkind = 'i' AND c.reltuples >= 0 THEN c.reltuples::bigint END,
       k.names, k.descending, k.nulls_first, k.ordered, k.collated, k.instead
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_am m ON m.oid = c.relam
CROSS JOIN LATERAL (
    SELECT array_agg(a.attname::text ORDER BY n) AS names,
           array_agg(i.indoption[n] & 1 = 1 ORDER BY n) AS descending,
           array_agg(i.indoption[n] & 2 = 2 ORDER BY n) AS nulls_first,
           array_agg(coalesce(o.opcdefault AND i.indcollation[n] = a.attcollation, false)
                     ORDER BY n) AS ordered,
           array_agg(coalesce(i.indcollation[n] = a.attcollation, false) ORDER BY n) AS collated,
           array_agg(CASE
               WHEN a.attname IS NULL THEN pg_get_indexdef(i.indexrelid, n + 1, true)
               WHEN i.indcollation[n] <> a.attcollation
                   THEN quote_ident(a.attname) || ' COLLATE ' || quote_ident(l.collname)
               WHEN NOT o.opcdefault
                   THEN quote_ident(a.attname) || ' ' || quote_ident(o.opcname)
           END ORDER BY n) AS instead
    FROM generate_series(0, i.indnkeyatts - 1) AS n
    LEFT JOIN pg_catalog.pg_attribute a
           ON a.attrelid = i.indrelid AND a.attnum = i.indkey[n] AND a.attnum <> 0
    LEFT JOIN pg_catalog.pg_opclass o ON o.oid = i.indclass[n]
    LEFT JOIN pg_catalog.pg_collation l ON l.oid = i.indcollation[n]
) AS k
WHERE i.indrelid = ANY($1) AND i.indislive
ORDER BY i.indrelid, c.relname";

type IndexRow = (
    Oid,
    String,
    bool,
    bool,
    bool,
    bool,
    String,
    Option<String>,
    Option<i64>,
    Vec<Option<String>>,
    Vec<bool>,
    Vec<bool>,
    Vec<bool>,
    Vec<bool>,
    Vec<Option<String>>,
);

pub(super) async fn add(
    connection: &mut PgConnection,
    tables: &mut Tables,
) -> Result<(), CatalogError> {
    let rows: Vec<IndexRow> = of_tables(connection, "indexes", INDEXES, tables).await?;
    for row in rows {
        let (table, name, primary, unique, distinct, valid, method, predicate, entries, ..) = &row;
        let Some(table) = tables.get_mut(&table.0) else {
            continue;
        };
        let columns = columns(&row);
        if *primary {
            table.primary_key = columns.iter().filter_map(|c| c.name.clone()).collect();
        }
        table.indexes.push(Index {
            name: name.clone(),
            columns,
            unique: *unique,
            nulls_distinct: *distinct,
            predicate: predicate.clone(),
            valid: *valid,
            btree: method == "btree",
            hash: method == "hash",
            rows: entries.and_then(|rows| u64::try_from(rows).ok()),
        });
    }
    Ok(())
}

fn columns(row: &IndexRow) -> Vec<IndexColumn> {
    let (.., names, descending, nulls_first, ordered, collated, instead) = row;
    let set = |flags: &[bool], place: usize| flags.get(place).copied().unwrap_or_default();
    let each = names.iter().zip(instead).enumerate();
    each.map(|(place, (name, instead))| IndexColumn {
        name: name.clone(),
        descending: set(descending, place),
        nulls_first: set(nulls_first, place),
        ordered: set(ordered, place),
        collated: set(collated, place),
        instead: instead.clone(),
    })
    .collect()
}

/// `O` fires in an ordinary session, `A` always; `D` is disabled and `R` fires on replicas only.
/// Before PostgreSQL 15 a partition's copy of its parent's trigger counted as internal. A function's
/// source is looked at without its comments; where NEW is all that it returns, that is NULL when a
/// row goes, and OLD undoes a change, unless it is returned for a delete. `=` assigns at the begin of a statement
/// and compares elsewhere; whoever assigns NEW as a whole assigns every column.
const TRIGGERS: &str = r#"
SELECT t.tgrelid, t.tgname::text, t.tgtype,
       code.source ~* '\mreturn\s+null\M'
       OR code.source ~* '\mreturn\s+new\M' AND code.source !~* '\mreturn\s+old\M',
       code.source ~* '\mreturn\s+null\M'
       OR code.source ~* '\mreturn\s+old\M' AND code.source !~* '\mtg_op\M',
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = t.tgrelid AND a.attnum = ANY(t.tgattr::int2[])),
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
             CROSS JOIN LATERAL (
                 SELECT '\mnew\s*(\.\s*"?' || regexp_replace(a.attname, '([^[:alnum:]_])', '\\\1', 'g') || '"?\s*)?'
             ) AS named(new)
             WHERE a.attrelid = t.tgrelid AND a.attnum > 0 AND NOT a.attisdropped AND l.lanname = 'plpgsql'
               AND (code.source ~* (named.new || ':=')
                    OR code.source ~* ('(;|\mbegin\M|\mthen\M|\melse\M|\mloop\M|>>)\s*' || named.new || '=')
                    OR code.source ~* ('\minto\s+(strict\s+)?([\w\s.",]*,\s*)?' || named.new || '(,|;|\mfrom\M|\musing\M)'))),
       l.lanname <> 'plpgsql',
       CASE WHEN l.lanname = 'plpgsql' AND t.tgqual IS NULL
                 AND NOT EXISTS (SELECT FROM unnest(p.proconfig) AS said WHERE said !~* '^timezone=') THEN p.prosrc END,
       NOT p.prosecdef, t.tgfoid::regprocedure::text,
       array_remove(ARRAY[t.tgoldtable::text, t.tgnewtable::text], NULL),
       regexp_replace(code.source, '''[^'']*''', '', 'g')
           ~* '\m(delete\s+from|update|merge|truncate|execute|call)\M|\mperform\s+(?!pg_)',
       EXISTS (SELECT FROM unnest(p.proconfig) AS said WHERE said ~* '^timezone=')
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
CROSS JOIN LATERAL (
    SELECT regexp_replace(regexp_replace(coalesce(p.prosrc, ''), '--[^\n]*', ' ', 'g'),
                          '/\*.*?\*/', ' ', 'g') AS source
) AS code
LEFT JOIN pg_catalog.pg_constraint con ON con.oid = t.tgconstraint
WHERE t.tgrelid = ANY($1) AND t.tgenabled IN ('O', 'A')
  AND (NOT t.tgisinternal
       OR t.tgparentid <> 0 AND (t.tgconstraint = 0 OR con.contype = 't'))
ORDER BY t.tgrelid, t.tgname"#;

// The bits of `pg_trigger.tgtype`, from the server's own `pg_trigger.h`.
const ROW: i16 = 1;
const BEFORE: i16 = 2;
const DELETE: i16 = 8;
const UPDATE: i16 = 16;
const INSTEAD: i16 = 64;

type TriggerRow = (
    Oid,
    String,
    i16,
    bool,
    bool,
    Vec<String>,
    Vec<String>,
    bool,
    Option<String>,
    bool,
    String,
    Vec<String>,
    bool,
    bool,
);

pub(super) async fn add_triggers(
    connection: &mut PgConnection,
    tables: &mut Tables,
) -> Result<(), CatalogError> {
    let rows: Vec<TriggerRow> = of_tables(connection, "triggers", TRIGGERS, tables).await?;
    for row in rows {
        let (
            table,
            name,
            bits,
            may_keep_rows,
            may_undo_changes,
            of_columns,
            assigns,
            unread,
            source,
            as_invoker,
            function,
            shown,
            writes,
            has_zone,
        ) = row;
        let into = source.and_then(|source| noting::of_function(&source, &shown));
        let has = |bit| bits & bit != 0;
        let trigger = Trigger {
            name,
            timing: match (has(INSTEAD), has(BEFORE)) {
                (true, _) => TriggerTiming::InsteadOf,
                (false, true) => TriggerTiming::Before,
                (false, false) => TriggerTiming::After,
            },
            on_delete: has(DELETE),
            on_update: has(UPDATE),
            for_each_row: has(ROW),
            may_keep_rows,
            may_undo_changes,
            of_columns,
            assigns,
            unread,
            replaces: false,
            writes,
            has_zone,
            only_notes: into.map(|into| Notes { into, as_invoker }),
            function: Some(function),
        };
        if let Some(table) = tables.get_mut(&table.0) {
            table.triggers.push(trigger);
        }
    }
    Ok(())
}
