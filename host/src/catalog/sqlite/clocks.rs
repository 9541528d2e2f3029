//! Whose clock writes times: defaults and triggers that ask for the machine's.

use sqlx::sqlite::SqliteConnection;

use super::super::clocks::{of_sqlite_expression, of_sqlite_trigger};
use super::super::{CatalogError, Clock, ClockWriter};
use super::{Tables, fold, rows, text};

/// A generated column takes no function that looks at the machine's zone.
const DEFAULTS: &str = "
SELECT l.name, x.name, x.dflt_value
FROM pragma_table_list AS l JOIN pragma_table_xinfo(l.name, 'main') AS x
WHERE l.schema = 'main' AND l.type = 'table'
  AND (x.dflt_value LIKE '%localtime%' OR x.dflt_value LIKE '%utc%')";

const TRIGGERS: &str = "
SELECT name, sql FROM sqlite_schema
WHERE type = 'trigger' AND (sql LIKE '%localtime%' OR sql LIKE '%utc%') ORDER BY name";

pub(super) async fn add(
    connection: &mut SqliteConnection,
    tables: &mut Tables,
) -> Result<(), CatalogError> {
    let defaults: Vec<(String, String, String)> = rows(connection, "defaults", DEFAULTS).await?;
    for (table, column, expression) in defaults {
        let mut columns = tables
            .get_mut(&fold(&table))
            .into_iter()
            .flat_map(|table| &mut table.columns);
        if let Some(column) = columns.find(|known| known.name == column) {
            let shown = of_sqlite_expression(&text::tokens(&expression)).into_iter();
            column.clocks.extend(shown.map(|shows| Clock {
                writer: ClockWriter::Default,
                shows,
            }));
        }
    }
    let triggers: Vec<(String, String)> = rows(connection, "triggers", TRIGGERS).await?;
    for (trigger, sql) in triggers {
        let tokens = text::tokens(&sql);
        for table in tables.values_mut() {
            let mut words = tokens.iter();
            if !words.any(|word| fold(&text::unquoted(word.text())) == fold(&table.id.name)) {
                continue;
            }
            for column in &mut table.columns {
                let shown = of_sqlite_trigger(&tokens, &table.id.name, &column.name);
                column.clocks.extend(shown.into_iter().map(|shows| Clock {
                    writer: ClockWriter::Trigger(trigger.clone()),
                    shows,
                }));
            }
        }
    }
    Ok(())
}
