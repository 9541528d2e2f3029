//! What a plugin reads, and does to the rows of a page, authorised and planned.

use std::sync::Arc;

use super::super::context::RunContext;
use super::super::forms;
use crate::request::{Assignment, Fault, Request, Source};
use crate::scope::{Authorized, authorize, authorize_leaves, is_behind};
use crate::sql::Plan;

/// The read as a plan, for the table as a whole also where it is partitioned.
pub(super) async fn plan(context: &Arc<RunContext>, request: Request) -> Result<Arc<Plan>, Fault> {
    let (granted, subject) = (&context.granted, &context.subject);
    let authorized = authorize(request, granted, subject, &context.catalog, context.now);
    let authorized = noting_denial(context, authorized).await?;
    let history = context.state.lock().await.history.clone();
    planned(context, authorized, &history).await
}

/// A change of rows that were read, as a plan for each table that holds rows.
pub(super) async fn changing(
    context: &Arc<RunContext>,
    request: Request,
    history: &[Arc<Plan>],
) -> Result<Vec<Arc<Plan>>, Fault> {
    let (granted, subject) = (&context.granted, &context.subject);
    let authorized = authorize_leaves(request, granted, subject, &context.catalog, context.now);
    let mut plans = Vec::new();
    for leaf in noting_denial(context, authorized).await? {
        plans.push(planned(context, leaf, history).await?);
    }
    Ok(plans)
}

async fn planned(
    context: &Arc<RunContext>,
    authorized: Authorized<Request>,
    history: &[Arc<Plan>],
) -> Result<Arc<Plan>, Fault> {
    let forms = forms::resolve(context, &authorized).await?;
    let catalog = Arc::clone(&context.catalog);
    Ok(Arc::new(Plan::new(
        authorized,
        catalog,
        forms,
        history.to_vec(),
    )?))
}

async fn noting_denial<T>(context: &RunContext, checked: Result<T, Fault>) -> Result<T, Fault> {
    if matches!(checked, Err(Fault::Denied(_))) {
        context.state.lock().await.denied = true;
    }
    checked
}

/// In a rehearsal no row is shown, so what the plugin would do to it is taken from what
/// its grant lets it do.
pub(super) async fn expect_changes(
    context: &Arc<RunContext>,
    plan: &Arc<Plan>,
) -> Result<(), Fault> {
    let mut plans = vec![Arc::clone(plan)];
    // Rows of a page are found by their keys.
    let by_key = Request {
        order_by: None,
        ..plan.request().clone()
    };
    let own = context.granted.spelled(&context.catalog)?.own();
    let of_table = |(name, _): &(&String, _)| {
        let table = context.catalog.table(name);
        table.is_ok_and(|table| table.id == plan.table().id)
    };
    if let Some((_, grant)) = own.tables.iter().find(of_table) {
        if grant.delete {
            plans.extend(changing(context, by_key.deleting(), &[]).await?);
        }
        let each = |column: &String| Assignment {
            column: column.clone(),
            source: Source::Each(Vec::new()),
        };
        let assignments: Vec<_> = grant.update.iter().map(each).collect();
        if !assignments.is_empty() {
            // A column that the grant names and no update may assign is none of this plugin's.
            let updating = by_key.updating(assignments);
            match changing(context, updating, &[]).await {
                Err(fault) if is_behind(&fault) => return Err(fault),
                planned => plans.extend(planned.unwrap_or_default()),
            }
        }
    }
    context.state.lock().await.drained.extend(plans);
    Ok(())
}
