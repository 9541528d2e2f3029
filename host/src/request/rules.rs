//! What makes a request coherent in itself, whatever the database looks like.

use super::{Action, Assignment, Dependent, Fate, Fault, Join, Request, Source};

/// Bits of an IPv4 address.
const IPV4_BITS: u8 = 32;
/// Bits of an IPv6 address.
const IPV6_BITS: u8 = 128;

impl Request {
    /// Adds a dependent and answers its place in [`Request::dependents`].
    ///
    /// # Errors
    /// `invalid` where the request is no delete, the join is empty, or the parent is no earlier
    /// dependent that is deleted.
    pub fn add_dependent(&mut self, dependent: Dependent) -> Result<usize, Fault> {
        dependent_fits(&self.action, &self.dependents, &dependent)?;
        self.dependents.push(dependent);
        Ok(self.dependents.len() - 1)
    }

    /// Adds an assignment.
    ///
    /// # Errors
    /// `invalid` where the request is no update, the column has been assigned already, a join is
    /// empty, or a prefix is longer than an address.
    pub fn assign(&mut self, assignment: Assignment) -> Result<(), Fault> {
        let Action::Update(assignments) = &mut self.action else {
            return Err(Fault::invalid(
                "not-assignable",
                format!(
                    "`{}` cannot be assigned: this sweep deletes its rows; open it with `update`",
                    assignment.column
                ),
            ));
        };
        assignment_fits(assignments, &assignment)?;
        assignments.push(assignment);
        Ok(())
    }

    /// Whether the request can be carried out on any database at all: what
    /// [`Request::add_dependent`] and [`Request::assign`] ask of each part, and that an update
    /// assigns something.
    ///
    /// # Errors
    /// `invalid`, naming the part at fault.
    pub fn check(&self) -> Result<(), Fault> {
        for (place, dependent) in self.dependents.iter().enumerate() {
            let earlier = self.dependents.get(..place).unwrap_or_default();
            dependent_fits(&self.action, earlier, dependent)?;
        }
        let Action::Update(assignments) = &self.action else {
            return Ok(());
        };
        for (place, assignment) in assignments.iter().enumerate() {
            let earlier = assignments.get(..place).unwrap_or_default();
            assignment_fits(earlier, assignment)?;
        }
        if assignments.is_empty() {
            return Err(Fault::invalid(
                "no-assignment",
                format!(
                    "the update of `{}` assigns nothing: name at least one column with `set-…` \
                     before the first `next`",
                    self.table
                ),
            ));
        }
        Ok(())
    }
}

fn dependent_fits(
    action: &Action,
    earlier: &[Dependent],
    dependent: &Dependent,
) -> Result<(), Fault> {
    let table = &dependent.table;
    if matches!(action, Action::Update(_)) {
        return Err(Fault::invalid(
            "dependents",
            format!(
                "rows of `{table}` cannot go ahead of rows that are updated and stay; only a \
                 sweep opened with `delete` has dependents"
            ),
        ));
    }
    joins_something(&format!("the dependent `{table}`"), &dependent.on)?;
    if let Some(matching) = &dependent.matching
        && !matching.is_of_the_row_alone()
    {
        return Err(Fault::invalid(
            "dependents",
            format!(
                "the condition on the dependent `{table}` looks at other rows, or says nothing: only \
                 columns of its own row tell which of the joined rows are meant"
            ),
        ));
    }
    let Some(parent) = dependent.parent else {
        return Ok(());
    };
    match earlier.get(parent) {
        Some(above) if above.fate == Fate::Delete => Ok(()),
        Some(above) => Err(Fault::invalid(
            "parent",
            format!(
                "the dependent `{table}` names number {parent} as its parent, but rows of `{}` \
                 are unlinked and stay: nothing goes ahead of them",
                above.table
            ),
        )),
        None => Err(Fault::invalid(
            "parent",
            format!(
                "the dependent `{table}` names number {parent} as its parent; there {}: use the \
                 number that an earlier `delete-first` answered, or none for the swept row",
                match earlier.len() {
                    0 => "is no dependent before it".to_owned(),
                    1 => "is only number 0 before it".to_owned(),
                    some => format!("are only the numbers 0 to {} before it", some - 1),
                }
            ),
        )),
    }
}

fn assignment_fits(earlier: &[Assignment], assignment: &Assignment) -> Result<(), Fault> {
    let column = &assignment.column;
    if earlier.iter().any(|other| other.column == *column) {
        return Err(Fault::invalid(
            "not-assignable",
            format!("`{column}` is assigned twice: say its new value once"),
        ));
    }
    match &assignment.source {
        Source::Value(_) | Source::Column(_) | Source::Each(_) => Ok(()),
        Source::Related { table, on, .. } => {
            joins_something(&format!("the new value of `{column}` from `{table}`"), on)
        }
        Source::Network {
            ipv4_prefix,
            ipv6_prefix,
        } => {
            prefix_fits(column, "IPv4", *ipv4_prefix, IPV4_BITS)?;
            prefix_fits(column, "IPv6", *ipv6_prefix, IPV6_BITS)
        }
    }
}

fn joins_something(what: &str, on: &[Join]) -> Result<(), Fault> {
    if on.is_empty() {
        let message = format!("{what} joins no column: name at least one pair");
        return Err(Fault::invalid("empty-join", message));
    }
    Ok(())
}

fn prefix_fits(column: &str, family: &str, prefix: u8, bits: u8) -> Result<(), Fault> {
    if prefix > bits {
        return Err(Fault::invalid(
            "value",
            format!(
                "`set-network` of `{column}` keeps {prefix} bits of an {family} address, which \
                 has {bits}: name 0 to {bits}"
            ),
        ));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::request::{Condition, Value};

    fn deleting() -> Request {
        Request::delete("parents", Condition::Everything)
    }

    fn updating() -> Request {
        Request::update("parents", Condition::Everything)
    }

    fn on() -> Vec<Join> {
        vec![Join::new("parent_id", "id")]
    }

    fn code(checked: Result<(), Fault>) -> String {
        checked.unwrap_err().problem().code.clone()
    }

    #[test]
    fn a_dependent_hangs_on_the_swept_row_or_on_an_earlier_one_that_goes() {
        let request = deleting()
            .delete_first("children", on(), None)
            .delete_first("grandchildren", on(), Some(0))
            .unlink_first("notes", on(), Some(1));

        assert_eq!(request.check(), Ok(()));
    }

    #[test]
    fn a_parent_that_is_itself_later_unlinked_or_beyond_is_refused() {
        let itself = deleting().delete_first("a", on(), Some(0));
        let later = deleting()
            .delete_first("a", on(), Some(1))
            .delete_first("b", on(), None);
        let unlinked = deleting()
            .unlink_first("a", on(), None)
            .delete_first("b", on(), Some(0));
        let beyond = deleting().delete_first("a", on(), Some(usize::MAX));

        for request in [itself, later, unlinked, beyond] {
            assert_eq!(code(request.check()), "parent", "{request:?}");
        }
    }

    #[test]
    fn the_number_answered_is_the_place_in_the_list() {
        let mut request = deleting();
        let dependent = |parent| Dependent {
            table: "children".into(),
            on: on(),
            parent,
            matching: None,
            fate: Fate::Delete,
        };

        let first = request.add_dependent(dependent(None)).unwrap();
        let second = request.add_dependent(dependent(Some(first))).unwrap();

        assert_eq!((first, second), (0, 1));
        assert!(request.add_dependent(dependent(Some(2))).is_err());
        assert_eq!(request.dependents.len(), 2, "what is refused is not added");
    }

    #[test]
    fn a_dependents_condition_is_on_its_own_row() {
        let of = |matching| {
            deleting()
                .delete_first("notes", on(), None)
                .where_they_meet(matching)
        };
        let kind = Condition::StartsWith {
            column: "kind".into(),
            prefix: "a".into(),
        };
        let related = Condition::NotExists {
            table: "others".into(),
            on: on(),
            matching: None,
        };
        let newest = Condition::BeyondNewest {
            group_by: vec!["kind".into()],
            order_by: "at".into(),
            keep: 1,
        };

        assert!(of(kind.clone()).check().is_ok());
        for other in [related, newest, Condition::Everything] {
            let hidden = Condition::Not(Box::new(Condition::All(vec![kind.clone(), other])));
            assert_eq!(code(of(hidden).check()), "dependents");
        }
    }

    #[test]
    fn a_dependent_of_an_update_and_an_assignment_of_a_delete_are_refused() {
        let dependent = updating()
            .set("a", Source::Column("b".into()))
            .delete_first("children", on(), None);
        let assigned = deleting().assign(Assignment {
            column: "a".into(),
            source: Source::Column("b".into()),
        });

        assert_eq!(code(dependent.check()), "dependents");
        assert_eq!(code(assigned), "not-assignable");
    }

    #[test]
    fn joins_of_no_column_are_refused() {
        let dependent = deleting().delete_first("children", Vec::new(), None);
        let related = Source::Related {
            table: "others".into(),
            on: Vec::new(),
            column: "b".into(),
        };

        assert_eq!(code(dependent.check()), "empty-join");
        assert_eq!(code(updating().set("a", related).check()), "empty-join");
    }

    #[test]
    fn an_update_assigns_something_and_each_column_once() {
        let null = || Source::Value(Value::Null);

        assert_eq!(code(updating().check()), "no-assignment");
        assert_eq!(updating().set("a", null()).set("b", null()).check(), Ok(()));
        let twice = updating().set("a", null()).set("a", null());
        assert_eq!(code(twice.check()), "not-assignable");
    }

    #[test]
    fn a_prefix_is_no_longer_than_an_address() {
        let network = |ipv4_prefix, ipv6_prefix| {
            let source = Source::Network {
                ipv4_prefix,
                ipv6_prefix,
            };
            updating().set("ip", source).check()
        };

        assert_eq!(network(0, 0), Ok(()));
        assert_eq!(network(32, 128), Ok(()));
        assert_eq!(code(network(33, 48)), "value");
        assert_eq!(code(network(24, 129)), "value");
    }
}
