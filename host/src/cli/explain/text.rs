//! The explanation as text.

use super::super::check::told;
use super::super::output::{Tone, many_lines, one_line, thousands};
use super::{Explanation, SweepPlan};

/// A paragraph a sweep, then what stands out.
pub(super) fn text(explanation: &Explanation, color: bool) -> String {
    let mut text = format!("job  {}\n", one_line(&explanation.job));
    if explanation.sweeps.is_empty() && explanation.refused.is_empty() {
        text.push_str("\nit opens no sweep under these settings\n");
    }
    for (place, sweep) in explanation.sweeps.iter().enumerate() {
        let heading = format!("sweep {}: {} from {}", place + 1, sweep.action, sweep.table);
        let heading = heading.replace("update from", "update of");
        text.push_str(&format!(
            "\n{}\n",
            Tone::Strong.paint(&one_line(&heading), color)
        ));
        for (name, value) in lines(sweep) {
            text.push_str(&format!("  {name:<13} {}\n", one_line(&value)));
        }
    }
    for refused in &explanation.refused {
        let line = format!(
            "sweep of {} refused: {} ({})",
            refused.table, refused.message, refused.code
        );
        text.push_str(&format!(
            "\n{}\n",
            Tone::Bad.paint(&many_lines(&line), color)
        ));
    }
    for finding in &explanation.findings {
        text.push_str(&format!("\n{}", told(finding, color)));
    }
    text
}

fn lines(sweep: &SweepPlan) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let rows = match sweep.estimated_rows {
        0 => "no statistics yet".to_owned(),
        rows => format!("about {}", thousands(rows)),
    };
    lines.push(("rows", rows));
    if !sweep.assigns.is_empty() {
        lines.push(("sets", sweep.assigns.join(", ")));
    }
    let order = match (&sweep.along, sweep.key.as_slice()) {
        (Some(along), _) => format!("along {along}"),
        (None, _) if sweep.physical => "page by page".to_owned(),
        (None, []) => "by the rows' own place".to_owned(),
        (None, key) => format!("by key ({})", key.join(", ")),
    };
    let index = sweep.index.as_ref();
    let index = index.map_or_else(String::new, |name| format!(", index {name}"));
    lines.push(("order", order + &index));
    if let Some(note) = &sweep.note {
        lines.push(("note", note.clone()));
    }
    let technique = match sweep.technique {
        "one-statement" => "one statement a batch",
        "one-transaction" => "one transaction a batch",
        _ => "rows are locked first, then asked again",
    };
    lines.push(("technique", format!("{technique}: {}", sweep.why)));
    for relation in &sweep.relations {
        let on = relation.on.join(" and ");
        lines.push((relation.kind, format!("{} on {on}", relation.table)));
    }
    for (place, rows) in sweep.dependents.iter().enumerate() {
        let parent = rows.parent.map_or_else(
            || "the swept row".to_owned(),
            |parent| format!("dependent {parent}"),
        );
        let on = rows.on.join(" and ");
        lines.push((
            "dependent",
            format!(
                "{place}: {} on {on} of {parent}{}, {}",
                rows.table,
                if rows.only_some {
                    ", those that meet its condition"
                } else {
                    ""
                },
                rows.fate
            ),
        ));
    }
    for key in &sweep.foreign_keys {
        lines.push((
            "foreign key",
            format!(
                "{} of {} ({}) {}",
                key.name,
                key.child,
                key.columns.join(", "),
                match key.effect {
                    "ahead" => format!("ties dependents of {}, which go first", key.parent),
                    "blocks" => format!("blocks rows of {}", key.parent),
                    effect => format!("{effect} with rows of {}", key.parent),
                }
            ),
        ));
    }
    for step in &sweep.statements {
        lines.push((step.step, step.sql.clone()));
        let plan = step.plan.iter().flatten();
        lines.extend(plan.map(|line| ("", line.clone())));
    }
    lines
}
