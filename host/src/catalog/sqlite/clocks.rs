//! Whose clock writes times: defaults and triggers that ask for the machine's.

use sqlx::sqlite::SqliteConnection;

use super::super::clocks::{is_now_in_utc, of_sqlite_expression, of_sqlite_trigger};
use super::super::{CatalogError, Clock, ClockWriter, Shows};
use super::{Tables, fold, rows, text};

/// A generated column takes no function that looks at the machine's zone.
const DEFAULTS: &str = "
SELECT l.name, x.name, x.dflt_value
FROM pragma_table_list AS l JOIN pragma_table_xinfo(l.name, 'main') AS x
WHERE l.schema = 'main' AND l.type = 'table'
  AND (x.dflt_value LIKE '%time%' OR x.dflt_value LIKE '%date%')";

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
            let expression = text::tokens(&expression);
            let mut shown = of_sqlite_expression(&expression);
            if is_now_in_utc(&expression) {
                shown.push(Shows::Utc);
            }
            column.clocks.extend(shown.into_iter().map(|shows| Clock {
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
                // What the trigger writes over it, nobody reads.
                if !shown.is_empty() {
                    column.clocks.retain(|clock| clock.shows != Shows::Utc);
                }
                column.clocks.extend(shown.into_iter().map(|shows| Clock {
                    writer: ClockWriter::Trigger(trigger.clone()),
                    shows,
                }));
            }
        }
    }
    Ok(())
}
