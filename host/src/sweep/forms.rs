//! Looking at the data where a column's type does not say how it holds a time.

use super::{RunContext, unlike};
use crate::catalog::{Catalog, ProbeError, TableId};
use crate::request::{Action, Assignment, Fault, Problem, Request};
use crate::scope::Authorized;
use crate::sql::{Forms, Plan, Probe, ReadAs};

/// Finds the form of every column that the request compares as a time or as a key with one.
pub(super) async fn resolve(
    context: &RunContext,
    authorized: &Authorized<Request>,
) -> Result<Forms, Fault> {
    match looked(context, authorized).await {
        Ok(forms) => Ok(forms),
        Err(fault) => Err(context.explained_unplanned(authorized, fault).await),
    }
}

async fn looked(context: &RunContext, authorized: &Authorized<Request>) -> Result<Forms, Fault> {
    unlike::refuse(context, authorized).await?;
    let mut forms = Forms::default();
    let probes = Plan::probes(authorized, &context.catalog)?;
    if probes.is_empty() {
        return Ok(forms);
    }
    let mut session = context.database.session().await?;
    session.hold().await?;
    for probe in &probes {
        let named = &named(authorized, &context.catalog, probe);
        let (table, column) = (&probe.table, &probe.column);
        match probe.read_as {
            ReadAs::Id => {
                let form = if let Some(connection) = session.as_postgres() {
                    Catalog::id_form_postgres(connection, table, column, named, context.now).await
                } else if let Some(connection) = session.as_sqlite() {
                    Catalog::id_form_sqlite(connection, table, column, named, context.now).await
                } else {
                    continue;
                };
                forms.note_id(probe, form.map_err(fault)?);
            }
            ReadAs::Time => {
                let found = if let Some(connection) = session.as_sqlite() {
                    Catalog::time_form_sqlite(connection, table, column, named).await
                } else if let Some(connection) = session.as_postgres() {
                    Catalog::time_form_postgres(connection, table, column, named).await
                } else {
                    continue;
                };
                let perhaps = probe.beside.is_some();
                let found = match found {
                    // Numbers by which rows are ordered may count anything, but not now one thing and now
                    // another.
                    Ok(found) if probe.ordered && found.assumed => continue,
                    Err(error) if probe.ordered && !error.is_mixed() => continue,
                    // Numbers that are compared with each other may count anything.
                    Ok(found) if perhaps && (found.assumed || !found.times.is_written()) => {
                        continue;
                    }
                    Err(_) if perhaps => continue,
                    found => found.map_err(fault)?,
                };
                if found.assumed && assigns(authorized, probe) {
                    return Err(not_told(probe, named));
                }
                forms.note_time(probe, found.times);
            }
            ReadAs::Presence => {
                let found = if let Some(connection) = session.as_sqlite() {
                    Catalog::presence_sqlite(connection, table, column).await
                } else if let Some(connection) = session.as_postgres() {
                    Catalog::presence_postgres(connection, table, column).await
                } else {
                    continue;
                };
                forms.note_presence(probe, found.map_err(fault)?);
            }
            // Of that no form tells anything.
            ReadAs::Class => {}
            ReadAs::Truth => {
                let Some(connection) = session.as_sqlite() else {
                    continue;
                };
                let words = Catalog::boolean_words_sqlite(connection, table, column).await;
                if words.map_err(fault)? {
                    forms.note_words(probe);
                }
            }
        }
    }
    session.release().await?;
    Ok(forms)
}

/// The table that people know the column by: where they have said how it holds times, or what the job sweeps
/// the leaves of.
fn named(authorized: &Authorized<Request>, catalog: &Catalog, probe: &Probe) -> TableId {
    let (id, word) = (&probe.table.id, &probe.column.time_form);
    let root = authorized
        .root()
        .filter(|_| *authorized.table() == probe.table);
    if word.is_none() {
        return root.map_or(id, |root| &root.id).clone();
    }
    let same = |above: &&TableId| {
        let above = catalog.by_id(above);
        let column = above.and_then(|table| table.column(&probe.column.name));
        column.is_some_and(|column| column.time_form == *word)
    };
    let above = catalog.partitioned_above(id).filter(same);
    let highest = above.fold(id, |highest, above| match catalog.holds(above, highest) {
        true => above,
        false => highest,
    });
    highest.clone()
}

/// The request writes an instant to the column.
fn assigns(authorized: &Authorized<Request>, probe: &Probe) -> bool {
    let Action::Update(assignments) = &authorized.request().action else {
        return false;
    };
    let writes = |a: &Assignment| a.column == probe.column.name && a.source.instant().is_some();
    *authorized.table() == probe.table && assignments.iter().any(writes)
}

/// Where the column holds nothing yet, a comparison does no harm in any form, and a write would.
fn not_told(probe: &Probe, named: &TableId) -> Fault {
    Fault::invalid(
        "unknown-time-form",
        format!(
            "column `{column}` of `{table}` holds no time yet, so how it holds one is not known: \
             say so in besom.toml under [time-forms], such as \"{name}.{column}\" = \"unix-us\"",
            column = probe.column.name,
            table = named,
            name = named.name,
        ),
    )
}

pub(super) fn fault(error: ProbeError) -> Fault {
    Fault::Invalid(Problem::new(error.code(), error.to_string()))
}
