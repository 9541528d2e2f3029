//! Rewrite rules, and publications that refuse changes.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use sqlx::postgres::types::Oid;

use super::super::{CatalogError, Rule, Unpublishable};
use super::{Tables, of_tables};

/// `server_version_num` since which a publication may name schemas, rows and columns.
const PARTS_SINCE: i32 = 150_000;

/// `O` is in force in an ordinary session, `A` always; `D` is disabled and `R` is for replicas only.
const RULES: &str = "
SELECT r.ev_class, r.rulename::text, r.ev_type = '4'
FROM pg_catalog.pg_rewrite r
WHERE r.ev_class = ANY($1) AND r.ev_type IN ('2', '4') AND r.ev_enabled IN ('O', 'A')
ORDER BY r.ev_class, r.rulename";

pub(super) async fn add_rules(
    connection: &mut PgConnection,
    tables: &mut Tables,
) -> Result<(), CatalogError> {
    let rows: Vec<(Oid, String, bool)> = of_tables(connection, "rules", RULES, tables).await?;
    for (table, name, on_delete) in rows {
        if let Some(table) = tables.get_mut(&table.0) {
            table.behind.rules.push(Rule { name, on_delete });
        }
    }
    Ok(())
}

/// A table that holds rows, and a publication that it is a part of: itself, by a partitioned table above it, by
/// its schema, or with all tables. The replica identity is what PostgreSQL's `RelationGetReplicaIndex` takes.
fn published(server_version: i32) -> String {
    let (by_schema, filter, list) = match server_version >= PARTS_SINCE {
        true => (
            "UNION SELECT above.leaf, n.pnpubid, NULL::text[], NULL::text[]
             FROM above JOIN pg_catalog.pg_class c ON c.oid = above.oid
             JOIN pg_catalog.pg_publication_namespace n ON n.pnnspid = c.relnamespace",
            "ARRAY(SELECT DISTINCT a.attname::text
                   FROM regexp_matches(r.prqual::text, ':varattno (\\d+)', 'g') AS found
                   JOIN pg_catalog.pg_attribute a
                        ON a.attrelid = r.prrelid AND a.attnum = found[1]::int2)",
            "CASE WHEN r.prattrs IS NOT NULL THEN ARRAY(
                SELECT a.attname::text FROM pg_catalog.pg_attribute a
                WHERE a.attrelid = r.prrelid AND a.attnum = ANY(r.prattrs::int2[])) END",
        ),
        false => ("", "NULL::text[]", "NULL::text[]"),
    };
    format!(
        "WITH RECURSIVE above(leaf, oid) AS (
            SELECT c.oid, c.oid FROM pg_catalog.pg_class c
            WHERE c.oid = ANY($1) AND c.relkind = 'r' AND c.relpersistence = 'p'
            UNION ALL
            SELECT above.leaf, i.inhparent
            FROM above JOIN pg_catalog.pg_inherits i ON i.inhrelid = above.oid
            JOIN pg_catalog.pg_class p ON p.oid = i.inhparent AND p.relkind = 'p'
         ), published(leaf, publication, filter, list) AS (
            SELECT above.leaf, r.prpubid, {filter}, {list}
            FROM above JOIN pg_catalog.pg_publication_rel r ON r.prrelid = above.oid
            UNION SELECT above.leaf, p.oid, NULL::text[], NULL::text[]
            FROM above, pg_catalog.pg_publication p WHERE p.puballtables
            {by_schema}
         )
         SELECT published.leaf, p.pubname::text, p.pubdelete, p.pubupdate, c.relreplident::text,
                (SELECT array_agg(a.attname::text)
                 FROM pg_catalog.pg_index i
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey::int2[])
                 WHERE i.indrelid = c.oid AND i.indisvalid AND i.indimmediate
                   AND (c.relreplident = 'd' AND i.indisprimary
                        OR c.relreplident = 'i' AND i.indisreplident)),
                published.filter, published.list
         FROM published
         JOIN pg_catalog.pg_publication p ON p.oid = published.publication
         JOIN pg_catalog.pg_class c ON c.oid = published.leaf
         ORDER BY published.leaf, p.pubname"
    )
}

type PublishedRow = (
    Oid,
    String,
    bool,
    bool,
    String,
    Option<Vec<String>>,
    Option<Vec<String>>,
    Option<Vec<String>>,
);

/// By what the database would name a row to subscribers.
struct Identity {
    /// All columns.
    whole: bool,
    /// Those of an index.
    columns: Option<Vec<String>>,
    /// Columns by which rows are chosen for the publication.
    filter: Option<Vec<String>>,
    /// The columns that are published; `None`: all.
    list: Option<Vec<String>>,
}

impl Identity {
    /// What keeps the database from publishing a change; `None`: nothing.
    fn amiss(&self) -> Option<String> {
        let whole = self.whole;
        let identity: &[String] = match (&self.columns, whole) {
            (_, true) => &[],
            (Some(columns), false) => columns.as_slice(),
            (None, false) => {
                return Some("has no replica identity: no primary key, or none that serves".into());
            }
        };
        let filter = self.filter.iter().flatten();
        let mut outside = filter.filter(|column| !whole && !identity.contains(column));
        if let Some(column) = outside.next() {
            return Some(format!(
                "is filtered there by `{column}`, which is not part of its replica identity"
            ));
        }
        let list = self.list.as_ref()?;
        let covered = !whole && identity.iter().all(|column| list.contains(column));
        (!covered).then(|| "is published without columns of its replica identity".to_owned())
    }
}

pub(super) async fn add_publications(
    connection: &mut PgConnection,
    tables: &mut Tables,
    server_version: i32,
) -> Result<(), CatalogError> {
    let sql = AssertSqlSafe(published(server_version));
    let rows: Vec<PublishedRow> = of_tables(connection, "publications", sql, tables).await?;
    for (leaf, publication, deletes, updates, identity, columns, filter, list) in rows {
        let identity = Identity {
            whole: identity == "f",
            columns,
            filter,
            list,
        };
        if let (Some(why), Some(table)) = (identity.amiss(), tables.get_mut(&leaf.0)) {
            table.behind.unpublishable.push(Unpublishable {
                publication,
                deletes,
                updates,
                why,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::published;

    #[test]
    fn a_server_is_not_asked_for_parts_of_publications_that_it_does_not_know() {
        assert!(!published(140_012).contains("pg_publication_namespace"));
        assert!(!published(140_012).contains("prqual"));
        assert!(published(150_000).contains("pg_publication_namespace"));
    }
}
