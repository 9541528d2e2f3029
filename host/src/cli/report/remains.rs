//! What the sweeps of a run left, and why, in words.

use super::super::output::thousands;
use super::blocked_by;
use crate::runner::Remains;

/// One sweep, with what lets its rows go that hold each other.
pub fn told(sweep: &Remains) -> String {
    let held = sweep.blocked_by.get(&sweep.table);
    let cure = held.filter(|rows| **rows > 0).map(|_| cure(&sweep.table));
    let parts: Vec<_> = std::iter::once(rows(sweep)).chain(cure).collect();
    parts.join("; ")
}

/// One sweep: `12 rows left: 3 locked, 9 arrived since; 7 more blocked, by child (7)`.
pub fn rows(sweep: &Remains) -> String {
    let mut parts = Vec::new();
    if let Some(why) = &sweep.unverified {
        parts.push(format!("unverified: {why}"));
    }
    if sweep.left > 0 {
        let most = if sweep.more { " or more" } else { "" };
        let rows = if sweep.left == 1 { "row" } else { "rows" };
        let kept = kept_by(sweep);
        let why: Vec<_> = [
            (sweep.locked, "locked"),
            (sweep.refused, "refused by the database"),
            (sweep.kept, kept.as_str()),
            (sweep.arrived, "arrived since"),
        ]
        .iter()
        .filter(|(rows, _)| *rows > 0)
        .map(|(rows, why)| format!("{} {why}", thousands(*rows)))
        .collect();
        parts.push(format!(
            "{}{most} {rows} left: {}",
            thousands(sweep.left),
            why.join(", ")
        ));
    } else if parts.is_empty() && sweep.unread_of.is_empty() && sweep.not_looked_at.is_none() {
        parts.push("verified".to_owned());
    }
    parts.extend(unread(sweep));
    if sweep.blocked > 0 {
        let more = if sweep.left > 0 { " more" } else { "" };
        let by = blocked_by(&sweep.blocked_by);
        let by = by.map_or_else(String::new, |by| format!(", by {by}"));
        let blocked = thousands(sweep.blocked);
        parts.push(format!("{blocked}{more} blocked{by}"));
    }
    parts.join("; ")
}

fn kept_by(sweep: &Remains) -> String {
    let names: Vec<_> = sweep.kept_by.iter().map(|of| format!("`{of}`")).collect();
    match names.as_slice() {
        [] => "kept by a trigger".to_owned(),
        [one] => format!("kept by the trigger {one}"),
        several => format!("kept by one of the triggers {}", several.join(", ")),
    }
}

/// What the sweep could not read, a column each.
pub fn unread(sweep: &Remains) -> Vec<String> {
    let columns = sweep.unread_of.iter();
    let columns = columns.map(|(column, unread)| unread.told(column));
    let unknown = sweep.not_looked_at.iter();
    let unknown = unknown.map(|what| format!("it is not known {what}"));
    columns.chain(unknown).collect()
}

/// What lets rows go that others of their own table hold.
pub fn cure(table: &str) -> String {
    format!(
        "rows of {table} hold each other, and one of them stays: a sweep that says `unlink-first` on {table}'s own key, where that may be NULL, lets each go by itself"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::Unread;

    #[test]
    fn a_sweep_is_told_with_every_reason_that_it_has() {
        let nothing = Remains::default();
        let left = Remains {
            left: 1_203,
            locked: 3,
            arrived: 1_200,
            ..Remains::default()
        };
        let held = Remains {
            blocked: 7,
            blocked_by: [("child".to_owned(), 7)].into(),
            ..Remains::default()
        };
        let both = Remains {
            blocked: 7,
            blocked_by: held.blocked_by.clone(),
            ..left.clone()
        };
        let bounded = Remains {
            left: 10_000,
            arrived: 9_999,
            refused: 1,
            more: true,
            ..Remains::default()
        };
        let kept = |triggers: &[&str]| Remains {
            left: 2,
            kept: 1,
            kept_by: triggers.iter().map(ToString::to_string).collect(),
            locked: 1,
            ..Remains::default()
        };
        assert_eq!(
            told(&kept(&["hold"])),
            "2 rows left: 1 locked, 1 kept by the trigger `hold`"
        );
        assert_eq!(
            told(&kept(&["hold", "keep"])),
            "2 rows left: 1 locked, 1 kept by one of the triggers `hold`, `keep`"
        );
        let unknown = Remains {
            unverified: Some("too slow".to_owned()),
            ..Remains::default()
        };
        let odd = Unread {
            rows: 2,
            read_as: "truth value".to_owned(),
            examples: vec!["'maybe'".to_owned()],
            ..Unread::default()
        };
        let unread = Remains {
            unread: 2,
            unread_of: [("t.flag".to_owned(), odd)].into(),
            ..held.clone()
        };
        assert_eq!(
            told(&unread),
            "2 rows of `t.flag` hold a truth value that is not read, such as 'maybe'; \
             7 blocked, by child (7)"
        );
        let own = Remains {
            table: "child".to_owned(),
            ..held.clone()
        };
        assert_eq!(
            told(&own),
            "verified; 7 blocked, by child (7); rows of child hold each other, and one of them stays: \
             a sweep that says `unlink-first` on child's own key, where that may be NULL, lets each go \
             by itself"
        );
        assert_eq!(told(&nothing), "verified");
        assert_eq!(
            told(&left),
            "1,203 rows left: 3 locked, 1,200 arrived since"
        );
        assert_eq!(told(&held), "verified; 7 blocked, by child (7)");
        assert_eq!(
            told(&both),
            "1,203 rows left: 3 locked, 1,200 arrived since; 7 more blocked, by child (7)"
        );
        assert_eq!(
            told(&bounded),
            "10,000 or more rows left: 1 refused by the database, 9,999 arrived since"
        );
        assert_eq!(told(&unknown), "unverified: too slow");
    }
}
