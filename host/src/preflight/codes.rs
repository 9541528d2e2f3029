//! The codes that findings of besom and of its bundled plugins have.

/// Every one of them. A plugin from elsewhere may bring others.
pub const CODES: [&str; 82] = [
    "ambiguous-grant",
    "before-delete-trigger",
    "broken-key",
    "condition-bytes",
    "condition-depth",
    "condition-terms",
    "delete-rule",
    "denied",
    "dependent-depth",
    "dependents",
    "disabled-key",
    "empty-condition",
    "empty-join",
    "future-cutoff",
    "grant-too-wide",
    "held-by-its-own",
    "inherited-table",
    "invalid-index",
    "join-pairs",
    "key-cannot-act",
    "key-may-not-act",
    "lease-lost",
    "max-fraction",
    "missing-privilege",
    "mixed-id-versions",
    "mixed-representation",
    "never-eligible",
    "no-assignment",
    "no-instant",
    "no-key",
    "no-order",
    "no-replica-identity",
    "not-a-table",
    "not-assignable",
    "not-gone",
    "not-looked",
    "not-now",
    "not-rehearsed",
    "not-taken-apart",
    "not-time-ordered",
    "order-by-null",
    "other-profile",
    "page-bytes",
    "parent",
    "part-of-table",
    "polymorphic-dependent",
    "position",
    "probe-failed",
    "read-columns",
    "read-only-database",
    "row-security",
    "same-tables",
    "soft-delete-trigger",
    "superuser",
    "sweep-assignments",
    "sweep-bytes",
    "sweep-dependents",
    "time-form-contradicted",
    "too-late",
    "undoing-trigger",
    "unenforced-relation",
    "unindexed-foreign-key",
    "unindexed-relation",
    "unindexed-sweep",
    "unknown-column",
    "unknown-id-form",
    "unknown-provider",
    "unknown-table",
    "unknown-time-form",
    "unlink",
    "unprotected-refresh",
    "unstable",
    "unsupported",
    "unused-grant",
    "update-rule",
    "value",
    "values-meet",
    "waits-further-on",
    "wider-join",
    "zoned-tie",
    "zoned-trigger",
    "zoneless-timestamp",
];

/// So many letters of a code may be wrong for every letter that stands for one. What is further away may
/// be the code of some plugin: `unknown-tenant` is no misspelt `unknown-table`.
const LETTERS_A_MISTAKE: usize = 5;

/// The code that was probably meant by one that nobody has.
pub fn meant(code: &str) -> Option<&'static str> {
    if CODES.contains(&code) {
        return None;
    }
    let code = code.to_lowercase().replace('_', "-");
    let near = CODES
        .iter()
        .map(|known| (strsim::osa_distance(&code, known), *known));
    near.filter(|(mistakes, known)| mistakes * LETTERS_A_MISTAKE <= known.len())
        .min_by_key(|(mistakes, _)| *mistakes)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_code_is_told_from_one_of_some_plugin() {
        assert_eq!(meant("unindexed-foreign-key"), None);
        assert_eq!(
            meant("unindexed-foriegn-keys"),
            Some("unindexed-foreign-key")
        );
        assert_eq!(meant("never_eligible"), Some("never-eligible"));
        assert_eq!(meant("unidexed-sweep"), Some("unindexed-sweep"));
        assert_eq!(meant("unknown-tenant"), None);
        assert_eq!(meant("a"), None);
    }
}
