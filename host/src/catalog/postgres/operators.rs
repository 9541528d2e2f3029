//! Operators of types that are not the server's own, found by their operator classes as the server finds them.

use std::sync::Arc;

use sqlx::postgres::PgConnection;
use sqlx::postgres::types::Oid;

use super::super::{CatalogError, Operators};
use super::{Tables, of_tables};

/// A type without an operator class of its own has that of a type to which it is cast without a change of its bytes, or
/// of all enums, arrays, ranges or rows; the preferred one where several would do, and a B-tree's before a hash
/// index's (`GetDefaultOpClass`, `lookup_type_cache`). Domains are followed to the type below them.
const OPERATORS: &str = "
WITH RECURSIVE step(domain, type) AS (
    SELECT oid, typbasetype FROM pg_catalog.pg_type WHERE typtype = 'd'
    UNION ALL
    SELECT step.domain, t.typbasetype
    FROM step JOIN pg_catalog.pg_type t ON t.oid = step.type WHERE t.typtype = 'd'
), used AS (
    SELECT a.attrelid, a.attname, t.oid AS type
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_type t ON t.typtype <> 'd' AND t.oid IN (
        SELECT a.atttypid UNION SELECT step.type FROM step WHERE step.domain = a.atttypid)
    JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace AND n.nspname <> 'pg_catalog'
    WHERE a.attrelid = ANY($1) AND a.attnum > 0 AND NOT a.attisdropped
), class AS (
    SELECT DISTINCT ON (t.oid) t.oid AS type, o.opcfamily AS family, o.opcintype AS input, m.amname = 'btree' AS ordered
    FROM pg_catalog.pg_type t
    JOIN pg_catalog.pg_opclass o ON o.opcdefault
    JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod AND m.amname IN ('btree', 'hash')
    JOIN pg_catalog.pg_type i ON i.oid = o.opcintype
    WHERE t.oid IN (SELECT used.type FROM used)
      AND (i.oid = t.oid
           OR i.oid = CASE WHEN t.typtype = 'e' THEN 'pg_catalog.anyenum'::regtype
                           WHEN t.typtype = 'r' THEN 'pg_catalog.anyrange'::regtype
                           WHEN t.typtype = 'm' THEN 'pg_catalog.anymultirange'::regtype
                           WHEN t.typtype = 'c' THEN 'pg_catalog.record'::regtype
                           WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN 'pg_catalog.anyarray'::regtype END
           OR EXISTS (SELECT FROM pg_catalog.pg_cast c
                      WHERE c.castsource = t.oid AND c.casttarget = i.oid
                        AND c.castmethod = 'b' AND c.castcontext = 'i'))
    ORDER BY t.oid, m.amname <> 'btree', i.oid <> t.oid, NOT i.typispreferred, i.oid
), named AS (
    SELECT p.oid, format('OPERATOR(%I.%s)', n.nspname, p.oprname) AS name,
           nullif(n.nspname::text, 'pg_catalog') AS schema, has_schema_privilege(n.oid, 'USAGE') AS usable
    FROM pg_catalog.pg_operator p JOIN pg_catalog.pg_namespace n ON n.oid = p.oprnamespace
)
SELECT used.attrelid, used.attname::text,
       own.equal, own.not_equal, own.less, own.less_or_equal, own.greater, own.greater_or_equal,
       own.schema, coalesce(own.usable, true)
FROM used
LEFT JOIN class ON class.type = used.type
LEFT JOIN LATERAL (
    SELECT max(named.name) FILTER (WHERE m.amopstrategy = equality.number) AS equal,
           max(opposite.name) FILTER (WHERE m.amopstrategy = equality.number) AS not_equal,
           max(named.name) FILTER (WHERE class.ordered AND m.amopstrategy = 1) AS less,
           max(named.name) FILTER (WHERE class.ordered AND m.amopstrategy = 2) AS less_or_equal,
           max(named.name) FILTER (WHERE class.ordered AND m.amopstrategy = 5) AS greater,
           max(named.name) FILTER (WHERE class.ordered AND m.amopstrategy = 4) AS greater_or_equal,
           max(named.schema) AS schema, bool_and(named.usable) AS usable
    FROM pg_catalog.pg_amop m
    JOIN named ON named.oid = m.amopopr
    JOIN pg_catalog.pg_operator p ON p.oid = m.amopopr
    LEFT JOIN named opposite ON opposite.oid = p.oprnegate
    CROSS JOIN (SELECT CASE WHEN class.ordered THEN 3 ELSE 1 END AS number) AS equality
    WHERE m.amopfamily = class.family AND m.amoplefttype = class.input AND m.amoprighttype = class.input
      AND m.amoppurpose = 's'
) AS own ON true";

type OperatorsRow = (
    Oid,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    bool,
);

/// Notes them on the columns, which must be there.
pub(super) async fn add(
    connection: &mut PgConnection,
    tables: &mut Tables,
) -> Result<(), CatalogError> {
    let rows: Vec<OperatorsRow> = of_tables(connection, "operators", OPERATORS, tables).await?;
    for row in rows {
        let (
            table,
            column,
            equal,
            not_equal,
            less,
            less_or_equal,
            greater,
            greater_or_equal,
            schema,
            usable,
        ) = row;
        let columns = tables.get_mut(&table.0).map(|table| &mut table.columns);
        let column = columns.and_then(|all| all.iter_mut().find(|known| known.name == column));
        if let Some(column) = column {
            column.operators = Some(Arc::new(Operators {
                equal,
                not_equal,
                less,
                less_or_equal,
                greater,
                greater_or_equal,
                schema,
                usable,
            }));
        }
    }
    Ok(())
}
