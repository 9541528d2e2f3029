//! The demo's rows in the schema of a product, as far as that has the columns.

use besom::cli::demo::{data, schema};
use sqlx::{AssertSqlSafe, PgConnection};

/// Enough for every kind of row to occur.
const ROWS: u64 = 2_000;

/// Builds the schema of this name in an empty database and fills it: the demo's rows are made in the
/// reference schema beside it, and each table takes over the columns that both have. Ages hang on `now`,
/// in microseconds since the epoch.
pub async fn fill(connection: &mut PgConnection, product: &str, now: i64) {
    run(connection, "CREATE SCHEMA filled; SET search_path = filled").await;
    schema::apply_postgres(connection).await.unwrap();
    data::fill_postgres(connection, ROWS, now).await.unwrap();
    run(connection, "RESET search_path").await;
    run(connection, &besom_tests::schemas::ddl(product)).await;
    run(connection, TAKE_OVER).await;
    run(connection, "DROP SCHEMA filled CASCADE; ANALYZE").await;
}

/// Foreign keys are put back when all rows are there: two tables refer to each other. Where the product
/// wants a text that the reference schema may lack, it is empty.
const TAKE_OVER: &str = "
DO $$
DECLARE
    fk record;
    taken record;
BEGIN
    CREATE TEMP TABLE keys ON COMMIT DROP AS
        SELECT conrelid::regclass AS child, quote_ident(conname) AS name, pg_get_constraintdef(oid) AS means
        FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace;
    FOR fk IN SELECT * FROM keys LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %s', fk.child, fk.name);
    END LOOP;
    FOR taken IN
        SELECT p.table_name, string_agg(quote_ident(p.column_name), ', ' ORDER BY p.ordinal_position) AS columns,
               string_agg(
                   CASE WHEN p.is_nullable = 'NO' AND f.is_nullable = 'YES' AND p.data_type = 'text'
                        THEN format('coalesce(%I, %L)', p.column_name, '')
                        WHEN p.data_type = 'USER-DEFINED'
                        THEN format('%I::text::public.%I', p.column_name, p.udt_name)
                        ELSE quote_ident(p.column_name) END,
                   ', ' ORDER BY p.ordinal_position) AS expressions
        FROM information_schema.columns AS p
        JOIN information_schema.columns AS f USING (table_name, column_name)
        WHERE p.table_schema = 'public' AND f.table_schema = 'filled'
        GROUP BY p.table_name
    LOOP
        EXECUTE format('INSERT INTO public.%I (%s) SELECT %s FROM filled.%I',
                       taken.table_name, taken.columns, taken.expressions, taken.table_name);
    END LOOP;
    FOR fk IN SELECT * FROM keys LOOP
        EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %s %s', fk.child, fk.name, fk.means);
    END LOOP;
END;
$$";

/// Runs a script.
pub async fn run(connection: &mut PgConnection, script: &str) {
    sqlx::raw_sql(AssertSqlSafe(script.to_owned()))
        .execute(connection)
        .await
        .unwrap_or_else(|error| panic!("{error} in:\n{script}"));
}
