//! `not-taken-apart`: a trigger for which a row with very much that hangs on it is not taken apart.

use std::collections::BTreeSet;

use super::{Finding, Severity};
use crate::sql::Plan;

pub(super) fn kept_whole(plan: &Plan) -> Vec<Finding> {
    let mut told = BTreeSet::new();
    let mut found = Vec::new();
    for (table, trigger) in plan.kept_whole_by() {
        // A partition has a copy of its parent's trigger, under the same name.
        if !told.insert(trigger.name.clone()) {
            continue;
        }
        let message = format!(
            "trigger `{}` of `{}` may refuse that a row goes, as far as besom can tell: it is no trigger that runs after \
             the delete and does nothing but insert into tables that are no part of the job. So a row of `{}` with \
             which more than 20,000 others go is not taken apart: it goes whole or stays whole, as long as \
             `statement-timeout` lets it, and counts as blocked otherwise. If it only writes down what goes, let it do \
             that alone, by INSERT and without functions of your own; if it does nothing to the job's rows, a longer \
             `statement-timeout` lets heavy rows go",
            trigger.name,
            table.id,
            plan.table().id,
        );
        // A run that meets such a row says so itself.
        found.push(Finding::new("not-taken-apart", Severity::Info, message).borne());
    }
    found
}
