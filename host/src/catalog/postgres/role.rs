//! What a role holds, as it was granted: who gave a right through whom is not told by
//! `has_table_privilege`, and a REVOKE must name it.

use sqlx::postgres::PgConnection;

use super::super::{CatalogError, Held, Role, TableId};

const ROLE: &str = "
SELECT r.rolname::text, r.rolsuper, pg_has_role(r.oid, 'pg_write_all_data', 'USAGE')
FROM pg_catalog.pg_roles r WHERE r.rolname = coalesce($1, current_user)::name";

const OWNED: &str = "
SELECT n.nspname::text, c.relname::text
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_roles r ON r.rolname = $1::name
WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND pg_has_role(r.oid, c.relowner, 'USAGE')
ORDER BY 1, 2";

/// A table's rights and its columns'. Grantee 0 is PUBLIC.
const HELD: &str = "
SELECT n.nspname::text, c.relname::text, held.attname, held.privilege_type,
       CASE WHEN held.grantee = r.oid THEN NULL WHEN held.grantee = 0 THEN 'PUBLIC'
            ELSE pg_get_userbyid(held.grantee)::text END
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_roles r ON r.rolname = $1::name
CROSS JOIN LATERAL (
    SELECT NULL::text AS attname, x.grantee, x.privilege_type FROM aclexplode(c.relacl) x
    UNION ALL
    SELECT a.attname::text, x.grantee, x.privilege_type
    FROM pg_catalog.pg_attribute a, aclexplode(a.attacl) x
    WHERE a.attrelid = c.oid AND NOT a.attisdropped
) held
WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND has_schema_privilege(r.oid, n.oid, 'USAGE')
  AND held.privilege_type <> 'SELECT'
  AND NOT pg_has_role(r.oid, c.relowner, 'USAGE')
  AND (held.grantee = 0 OR pg_has_role(r.oid, held.grantee, 'USAGE'))
ORDER BY 1, 2, 4, 3, 5";

type HeldRow = (String, String, Option<String>, String, Option<String>);

/// The role; the connected one where none is named.
pub(in crate::catalog) async fn load(
    connection: &mut PgConnection,
    name: Option<&str>,
) -> Result<Option<Role>, CatalogError> {
    let known: Option<(String, bool, bool)> = sqlx::query_as(ROLE)
        .persistent(false)
        .bind(name)
        .fetch_optional(&mut *connection)
        .await
        .map_err(CatalogError::reading("role"))?;
    let Some((name, superuser, writes_all)) = known else {
        return Ok(None);
    };
    let owned: Vec<(String, String)> = sqlx::query_as(OWNED)
        .persistent(false)
        .bind(&name)
        .fetch_all(&mut *connection)
        .await
        .map_err(CatalogError::reading("tables that the role owns"))?;
    let held: Vec<HeldRow> = sqlx::query_as(HELD)
        .persistent(false)
        .bind(&name)
        .fetch_all(connection)
        .await
        .map_err(CatalogError::reading("rights of the role"))?;
    let held = held
        .into_iter()
        .map(|(schema, table, column, right, through)| Held {
            table: TableId::new(schema, table),
            column,
            right,
            through,
        });
    Ok(Some(Role {
        name,
        superuser,
        writes_all,
        owns: owned
            .into_iter()
            .map(|(schema, name)| TableId::new(schema, name))
            .collect(),
        holds: held.collect(),
    }))
}
