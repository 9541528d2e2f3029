//! `values-meet`: an update whose rows meet in a unique index, because they get one and the same value.

use std::collections::BTreeMap;

use super::mend::listed;
use super::{Finding, Severity};
use crate::catalog::{Becomes, Catalog, Constant, Index, Meeting, Table, meeting};
use crate::request::{Action, Assignment, Fate, Request, Source, Value};

/// The unique indexes that refuse rows of the request's own update, or dependents that are let go.
pub(super) fn meeting_values(request: &Request, catalog: &Catalog) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Action::Update(assignments) = &request.action {
        let set = assignments.iter().map(|of| (&of.column, becomes(of)));
        found.extend(of_table(&request.table, &set.collect(), catalog));
    }
    for dependent in &request.dependents {
        if dependent.fate == Fate::Unlink {
            let set = dependent.on.iter().map(|on| (&on.foreign, Becomes::Null));
            found.extend(of_table(&dependent.table, &set.collect(), catalog));
        }
    }
    found
}

fn becomes(assignment: &Assignment) -> Becomes {
    match &assignment.source {
        Source::Value(Value::Null) => Becomes::Null,
        Source::Value(Value::Text(text)) => Becomes::Constant(Constant::Text(format!("'{text}'"))),
        Source::Value(_) => Becomes::Constant(Constant::Text("one value".to_owned())),
        Source::Network { .. } => Becomes::Fewer,
        Source::Column(_) | Source::Each(_) | Source::Related { .. } => Becomes::Unknown,
    }
}

fn of_table(name: &str, set: &BTreeMap<&String, Becomes>, catalog: &Catalog) -> Vec<Finding> {
    let Ok(table) = catalog.table(name) else {
        return Vec::new();
    };
    // An index of a partitioned table is told once, though each partition has its copy.
    let own = table.indexes.iter();
    let leaves: Vec<_> = catalog.leaves_of(table).collect();
    let below = leaves.iter().flat_map(|leaf| &leaf.indexes);
    let is_copy = |index: &&Index| {
        let same =
            |own: &Index| (&own.columns, &own.predicate) == (&index.columns, &index.predicate);
        table.indexes.iter().any(same)
    };
    let all = own.chain(below.filter(|index| !is_copy(index)));
    all.filter_map(|index| Some(told(table, index, &meeting(table, index, set)?)))
        .collect()
}

fn told(table: &Table, index: &Index, meeting: &Meeting) -> Finding {
    let columns: Vec<String> = index
        .columns
        .iter()
        .filter_map(|part| part.name.clone().or_else(|| part.instead.clone()))
        .collect();
    let Meeting { values, whole } = meeting;
    let (severity, what) = match whole {
        Some(_) => (
            Severity::Error,
            "takes one row with it and refuses all others".to_owned(),
        ),
        None => {
            let also = match &index.predicate {
                Some(predicate) => format!(", of rows WHERE {predicate}"),
                None => String::new(),
            };
            let what = format!(
                "is on {}{also}, and refuses those that then meet",
                listed(&columns)
            );
            (Severity::Warning, what)
        }
    };
    let nulls = if index.nulls_distinct {
        ""
    } else {
        " (NULLS NOT DISTINCT)"
    };
    let message = format!(
        "the job gives rows of `{}` {values}, and unique index `{}`{nulls} {what}: they stay as they are, each is tried \
         by itself, and they count as blocked. If they are to change, drop the index, or have it leave such rows out \
         by a WHERE",
        table.id, index.name
    );
    Finding::new("values-meet", severity, message)
}
