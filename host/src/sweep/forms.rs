//! Looking at the data where a column's type does not say how it holds a time.

use super::RunContext;
use crate::catalog::{Catalog, ProbeError};
use crate::request::{Fault, Problem, Request};
use crate::scope::Authorized;
use crate::sql::{Forms, Plan};

/// Finds the form of every column that the request compares as a time or as a key with one.
pub(super) async fn resolve(
    context: &RunContext,
    authorized: &Authorized<Request>,
) -> Result<Forms, Fault> {
    let mut forms = Forms::default();
    let probes = Plan::probes(authorized, &context.catalog)?;
    if probes.is_empty() {
        return Ok(forms);
    }
    let mut session = context.database.session().await?;
    for probe in &probes {
        if probe.id {
            let form = if let Some(connection) = session.as_postgres() {
                Catalog::id_form_postgres(connection, &probe.table, &probe.column, context.now)
                    .await
            } else if let Some(connection) = session.as_sqlite() {
                Catalog::id_form_sqlite(connection, &probe.table, &probe.column, context.now).await
            } else {
                continue;
            };
            forms.note_id(probe, form.map_err(fault)?);
        } else {
            let found = if let Some(connection) = session.as_sqlite() {
                Catalog::time_form_sqlite(connection, &probe.table, &probe.column).await
            } else {
                Catalog::time_form_postgres(&probe.table, &probe.column)
            };
            forms.note_time(probe, found.map_err(fault)?.form);
        }
    }
    Ok(forms)
}

fn fault(error: ProbeError) -> Fault {
    Fault::Invalid(Problem::new(error.code(), error.to_string()))
}
