//! Whose clock writes times without a zone: defaults, generated columns, and the functions of defaults and triggers.

use std::collections::BTreeMap;

use sqlx::postgres::PgConnection;
use sqlx::postgres::types::Oid;

use super::super::clocks::{of_expression, of_function, of_trigger, sets_zone};
use super::super::sqlite::text::{Token, tokens, unquoted};
use super::super::{CatalogError, Clock, ClockWriter, Kind, Shows, TableId};
use super::{Tables, of_tables};

/// Expressions that name a zone. A column of a domain without a default of its own has the domain's.
const EXPRESSIONS: &str = r"
SELECT a.attrelid, a.attname::text, a.attgenerated <> '', written.expression
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
CROSS JOIN LATERAL (
    SELECT coalesce(pg_get_expr(d.adbin, d.adrelid), pg_get_expr(t.typdefaultbin, 0)) AS expression
) AS written
WHERE a.attrelid = ANY($1) AND a.attnum > 0 AND NOT a.attisdropped AND written.expression ~* '\mtime\s?zone\M'
ORDER BY a.attrelid, a.attnum";

/// Functions of defaults that name a zone, or are set to one.
const FUNCTIONS: &str = r"
SELECT d.adrelid, a.attname::text, p.proname::text, code.source, coalesce(p.proconfig, '{}')
FROM pg_catalog.pg_attrdef d
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
JOIN pg_catalog.pg_depend x ON x.classid = 'pg_catalog.pg_attrdef'::regclass AND x.objid = d.oid
     AND x.refclassid = 'pg_catalog.pg_proc'::regclass
JOIN pg_catalog.pg_proc p ON p.oid = x.refobjid
CROSS JOIN LATERAL (
    SELECT coalesce(pg_get_function_sqlbody(p.oid), p.prosrc, '') AS source
) AS code
WHERE d.adrelid = ANY($1) AND (code.source ~* '\mtime\s?zone\M' OR p.proconfig::text ~* 'timezone=')
ORDER BY d.adrelid, d.adnum, p.proname";

/// The same of triggers that fire. The last: it is one for each row that is inserted or changed, and may assign NEW.
const TRIGGERS: &str = r"
SELECT t.tgrelid, t.tgname::text, p.prosrc, coalesce(p.proconfig, '{}'), l.lanname = 'plpgsql',
       t.tgtype & 1 <> 0 AND t.tgtype & 20 <> 0
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
LEFT JOIN pg_catalog.pg_constraint con ON con.oid = t.tgconstraint
WHERE t.tgrelid = ANY($1) AND t.tgenabled IN ('O', 'A')
  AND (NOT t.tgisinternal OR t.tgparentid <> 0 AND (t.tgconstraint = 0 OR con.contype = 't'))
  AND (p.prosrc ~* '\mtime\s?zone\M' OR p.proconfig::text ~* 'timezone=')
ORDER BY t.tgrelid, t.tgname";

/// To be called when columns, triggers and partitions are known.
pub(super) async fn add(
    connection: &mut PgConnection,
    tables: &mut Tables,
) -> Result<(), CatalogError> {
    let rows: Vec<(Oid, String, bool, String)> =
        of_tables(connection, "defaults", EXPRESSIONS, tables).await?;
    for (table, column, generated, expression) in rows {
        let local = |name: &str| {
            let column = tables.get(&table.0).and_then(|table| table.column(name));
            column.is_some_and(|column| column.kind == Kind::LocalTimestamp)
        };
        let shown = of_expression(&tokens(&expression), &local);
        let writer = match generated {
            true => ClockWriter::Generated,
            false => ClockWriter::Default,
        };
        note(tables, table, &column, &writer, shown);
    }
    let rows: Vec<(Oid, String, String, String, Vec<String>)> =
        of_tables(connection, "functions of defaults", FUNCTIONS, tables).await?;
    for (table, column, function, source, settings) in rows {
        let body = tokens(&source);
        let set = set(&body, &settings);
        let mut shown = of_function(&body, &set);
        // It may convert what the default hands it.
        if shown.is_empty() {
            shown = set;
        }
        note(
            tables,
            table,
            &column,
            &ClockWriter::Function(function),
            shown,
        );
    }
    let rows: Vec<(Oid, String, String, Vec<String>, bool, bool)> =
        of_tables(connection, "functions of triggers", TRIGGERS, tables).await?;
    for (table, trigger, source, settings, read, of_rows) in rows {
        let body = tokens(&source);
        let set = set(&body, &settings);
        let own = table.0;
        for (oid, column, assigned) in candidates(tables, &trigger, own, read, &body) {
            let name = tables.get(&oid).map(|table| table.id.name.clone());
            let target = (name.as_deref().unwrap_or_default(), oid == own && of_rows);
            let shown = of_trigger(&body, target, (&column, assigned), &set);
            let writer = ClockWriter::Trigger(trigger.clone());
            note(tables, Oid(oid), &column, &writer, shown);
        }
    }
    tell_partitions(tables);
    Ok(())
}

/// The zones that a function sets, by its own settings or in its source.
fn set(body: &[Token<'_>], settings: &[String]) -> Vec<Shows> {
    let told = settings.iter().filter_map(|setting| {
        let (name, zone) = setting.split_once('=')?;
        name.eq_ignore_ascii_case("timezone")
            .then(|| Shows::set(zone))
    });
    told.chain(sets_zone(body)).collect()
}

/// The columns that a trigger's function may write: those of its own table, and of the tables that its source names.
/// Of a language that is not looked at, all times without a zone in its own.
fn candidates(
    tables: &Tables,
    trigger: &str,
    own: u32,
    read: bool,
    body: &[Token<'_>],
) -> Vec<(u32, String, bool)> {
    let named = |id: &TableId| {
        let mut words = body.iter();
        words.any(|word| unquoted(word.text()).eq_ignore_ascii_case(&id.name))
    };
    let reached = tables
        .iter()
        .filter(|(oid, table)| **oid == own || read && named(&table.id));
    let mut found = Vec::new();
    for (oid, table) in reached {
        let mut triggers = table.triggers.iter();
        let known = triggers.find(|known| *oid == own && known.name == trigger);
        for column in &table.columns {
            let local = matches!(column.kind, Kind::LocalTimestamp | Kind::Date);
            let assigned = match read {
                true => known.is_some_and(|known| known.assigns.contains(&column.name)),
                false => local,
            };
            found.push((*oid, column.name.clone(), assigned));
        }
    }
    found
}

fn note(tables: &mut Tables, table: Oid, column: &str, writer: &ClockWriter, shown: Vec<Shows>) {
    let table = tables.get_mut(&table.0);
    let column =
        table.and_then(|table| table.columns.iter_mut().find(|known| known.name == column));
    // What counts from an instant is of no zone.
    let Some(column) = column.filter(|column| column.kind != Kind::Timestamp) else {
        return;
    };
    column.clocks.extend(shown.into_iter().map(|shows| Clock {
        writer: writer.clone(),
        shows,
    }));
}

/// Rows that go through a partitioned table have its defaults, whatever those of the partition are.
fn tell_partitions(tables: &mut Tables) {
    let by_id: BTreeMap<TableId, u32> = tables
        .iter()
        .map(|(oid, table)| (table.id.clone(), *oid))
        .collect();
    let mut waiting: Vec<u32> = tables.keys().copied().collect();
    while let Some(oid) = waiting.pop() {
        let Some(table) = tables.get(&oid) else {
            continue;
        };
        let told: Vec<_> = table
            .columns
            .iter()
            .filter(|column| !column.clocks.is_empty())
            .map(|column| (column.name.clone(), column.clocks.clone()))
            .collect();
        let below: Vec<u32> = table
            .partitions
            .iter()
            .filter_map(|id| by_id.get(id).copied())
            .collect();
        for oid in below {
            let Some(partition) = tables.get_mut(&oid) else {
                continue;
            };
            let mut news = false;
            for (name, clocks) in &told {
                let mut columns = partition.columns.iter_mut();
                let Some(column) = columns.find(|column| column.name == *name) else {
                    continue;
                };
                for clock in clocks {
                    if !column.clocks.contains(clock) {
                        column.clocks.push(clock.clone());
                        news = true;
                    }
                }
            }
            if news {
                waiting.push(oid);
            }
        }
    }
}
