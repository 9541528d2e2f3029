//! A condition while a guest builds it.
//!
//! Nothing is checked against the database here, but a tree is never deeper or larger than the
//! limits: whoever drops, clones or compiles it may recurse, and the host's memory is not the guest's. What is too large or empty is not
//! kept; in its place stands the fault that the call which uses it will answer.

use crate::request::{Condition, Fault, Join, Problem, Value};

use super::limits::Limits;
use super::sizes::condition_bytes;

/// A condition with its measures, or why there is none.
#[derive(Debug)]
pub struct Tree(Result<Measured, Fault>);

#[derive(Debug)]
struct Measured {
    condition: Condition,
    depth: u32,
    terms: u32,
    bytes: usize,
}

/// What is inside a condition under construction.
#[derive(Default)]
struct Inside {
    depth: u32,
    terms: u32,
    bytes: usize,
}

impl Inside {
    fn add(&mut self, inner: &Measured) {
        self.depth = self.depth.max(inner.depth);
        self.terms = self.terms.saturating_add(inner.terms);
        self.bytes = self.bytes.saturating_add(inner.bytes);
    }
}

impl Tree {
    /// A condition without others in it.
    pub(super) fn leaf(condition: Condition, limits: &Limits) -> Self {
        Self::measured(condition, 1, Inside::default(), limits)
    }

    /// The column holds one of these values.
    pub(super) fn one_of(column: String, values: Vec<Value>, limits: &Limits) -> Self {
        if values.is_empty() {
            return Self(Err(empty("one-of")));
        }
        let terms = u32::try_from(values.len()).unwrap_or(u32::MAX);
        let condition = Condition::OneOf { column, values };
        Self::measured(condition, terms, Inside::default(), limits)
    }

    /// A condition on rows of another table.
    pub(super) fn related(
        on: Vec<Join>,
        matching: Option<Tree>,
        limits: &Limits,
        make: impl FnOnce(Vec<Join>, Option<Box<Condition>>) -> Condition,
    ) -> Self {
        let joins = u32::try_from(on.len()).unwrap_or(u32::MAX);
        let mut inside = Inside::default();
        let matching = match matching.map(|tree| tree.0) {
            None => None,
            Some(Ok(inner)) => {
                inside.add(&inner);
                Some(Box::new(inner.condition))
            }
            Some(Err(fault)) => return Self(Err(fault)),
        };
        let terms = joins.saturating_add(1);
        Self::measured(make(on, matching), terms, inside, limits)
    }

    /// All of them, or any: `make` says which, `name` is the contract's word for it.
    pub(super) fn several(
        name: &'static str,
        of: Vec<Tree>,
        limits: &Limits,
        make: impl FnOnce(Vec<Condition>) -> Condition,
    ) -> Self {
        if of.is_empty() {
            return Self(Err(empty(name)));
        }
        let (mut conditions, mut inside) = (Vec::with_capacity(of.len()), Inside::default());
        for tree in of {
            match tree.0 {
                Ok(inner) => {
                    inside.add(&inner);
                    conditions.push(inner.condition);
                }
                Err(fault) => return Self(Err(fault)),
            }
        }
        Self::measured(make(conditions), 1, inside, limits)
    }

    /// The opposite.
    pub(super) fn negate(of: Tree, limits: &Limits) -> Self {
        match of.0 {
            Ok(inner) => {
                let mut inside = Inside::default();
                inside.add(&inner);
                let condition = Condition::Not(Box::new(inner.condition));
                Self::measured(condition, 1, inside, limits)
            }
            Err(fault) => Self(Err(fault)),
        }
    }

    /// The condition, for the call that uses it.
    pub(super) fn finish(self) -> Result<Condition, Fault> {
        self.0.map(|measured| measured.condition)
    }

    /// A condition that counts as `own` terms around what is `inside` it.
    fn measured(condition: Condition, own: u32, inside: Inside, limits: &Limits) -> Self {
        let depth = inside.depth + 1;
        let terms = inside.terms.saturating_add(own);
        let bytes = inside.bytes.saturating_add(condition_bytes(&condition));
        if depth > limits.condition_depth {
            let limit = limits.condition_depth;
            return Self(Err(exhausted(
                "condition-depth",
                &format!("nests deeper than {limit}"),
            )));
        }
        if terms > limits.condition_terms {
            let limit = limits.condition_terms;
            return Self(Err(exhausted(
                "condition-terms",
                &format!("has more than {limit} terms"),
            )));
        }
        if bytes > limits.condition_bytes {
            let limit = limits.condition_bytes;
            return Self(Err(exhausted(
                "condition-bytes",
                &format!("takes more than {limit} bytes for its names and values"),
            )));
        }
        Self(Ok(Measured {
            condition,
            depth,
            terms,
            bytes,
        }))
    }
}

fn exhausted(code: &str, how: &str) -> Fault {
    let message = format!("the condition {how}, the limit of a plugin: say it in fewer words");
    Fault::Exhausted(Problem::new(code, message))
}

fn empty(name: &str) -> Fault {
    let message = format!(
        "`{name}` of an empty list: every row is said with `everything`, never by leaving out"
    );
    Fault::invalid("empty-condition", message)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn leaf() -> Tree {
        Tree::leaf(Condition::IsNull { column: "a".into() }, &Limits::default())
    }

    #[test]
    fn a_tree_within_the_limits_comes_out_as_it_was_built() {
        let limits = Limits::default();
        let tree = Tree::several("all", vec![leaf(), leaf()], &limits, Condition::All);

        let condition = Tree::negate(tree, &limits).finish().unwrap();

        let null = Condition::IsNull { column: "a".into() };
        assert_eq!(
            condition,
            Condition::Not(Box::new(Condition::All(vec![null.clone(), null])))
        );
    }

    #[test]
    fn a_tree_at_the_limit_of_depth_stands_and_one_deeper_does_not() {
        let limits = Limits {
            condition_depth: 3,
            ..Limits::default()
        };
        let deep = |times| (0..times).fold(leaf(), |tree, _| Tree::negate(tree, &limits));

        assert!(deep(2).finish().is_ok());
        assert_eq!(
            deep(3).finish().unwrap_err().problem().code,
            "condition-depth"
        );
    }

    #[test]
    fn a_hundred_thousand_negations_do_not_grow() {
        let limits = Limits::default();

        let tree = (0..100_000).fold(leaf(), |tree, _| Tree::negate(tree, &limits));

        assert!(matches!(tree.finish(), Err(Fault::Exhausted(_))));
    }

    #[test]
    fn values_and_joins_count_as_terms() {
        let limits = Limits {
            condition_terms: 4,
            ..Limits::default()
        };
        let values = vec![Value::Integer(1); 5];
        let join = Join {
            foreign: "a".into(),
            local: "b".into(),
        };
        let exists = |joins: usize| {
            Tree::related(
                vec![join.clone(); joins],
                Some(leaf()),
                &limits,
                |on, matching| Condition::Exists {
                    table: "t".into(),
                    on,
                    matching,
                },
            )
        };

        let many = Tree::one_of("a".into(), values, &limits)
            .finish()
            .unwrap_err();
        assert_eq!(many.problem().code, "condition-terms");
        assert!(exists(2).finish().is_ok());
        assert!(exists(3).finish().is_err());
    }

    #[test]
    fn names_and_values_count_by_their_bytes_wherever_they_stand() {
        let limits = Limits {
            condition_bytes: 100,
            ..Limits::default()
        };
        let starts = |bytes: usize| {
            let (column, prefix) = ("a".into(), "x".repeat(bytes));
            Tree::leaf(Condition::StartsWith { column, prefix }, &limits)
        };
        let both = |a, b| Tree::several("all", vec![starts(a), starts(b)], &limits, Condition::All);

        assert!(starts(99).finish().is_ok());
        assert!(both(49, 49).finish().is_ok());
        for tree in [starts(100), both(49, 50)] {
            assert_eq!(tree.finish().unwrap_err().problem().code, "condition-bytes");
        }
    }

    #[test]
    fn an_empty_list_is_invalid_wherever_it_ends_up() {
        let limits = Limits::default();
        let nothing = Tree::several("any", Vec::new(), &limits, Condition::Any);

        let around = Tree::several("all", vec![leaf(), nothing], &limits, Condition::All);

        let fault = around.finish().unwrap_err();
        assert!(matches!(&fault, Fault::Invalid(problem) if problem.message.contains("`any`")));
        assert!(
            Tree::one_of("a".into(), Vec::new(), &limits)
                .finish()
                .is_err()
        );
    }
}
