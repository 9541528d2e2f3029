//! The codes that findings of besom and of its bundled plugins have.

/// Every one of them. A plugin from elsewhere may bring others.
pub const CODES: [&str; 63] = [
    "ambiguous-grant",
    "before-delete-trigger",
    "chain-too-long",
    "condition-bytes",
    "condition-depth",
    "condition-terms",
    "denied",
    "dependent-depth",
    "dependents",
    "empty-condition",
    "empty-join",
    "future-cutoff",
    "grant-too-wide",
    "invalid-index",
    "join-pairs",
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
    "not-a-table",
    "not-assignable",
    "not-looked",
    "not-now",
    "not-rehearsed",
    "not-time-ordered",
    "order-by-null",
    "other-profile",
    "page-bytes",
    "parent",
    "position",
    "probe-failed",
    "read-columns",
    "row-security",
    "same-tables",
    "soft-delete-trigger",
    "superuser",
    "sweep-assignments",
    "sweep-bytes",
    "sweep-dependents",
    "time-form-contradicted",
    "too-late",
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
    "value",
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
