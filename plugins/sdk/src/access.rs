//! What a job needs from each table: the list that the operator's grant is held against.

use crate::condition::Condition;
use crate::join::Join;
use crate::sweep::{Action, Assignment, Dependent, Sweep};

/// What a job needs from one table.
///
/// Few plugins write one: [`Plugin::access`](crate::Plugin::access) derives them from the sweeps.
/// What it cannot derive is what the database changes by itself, through `ON DELETE` rules: see
/// [`Sweep::cascades_to`] and [`Sweep::sets_null`].
///
/// ```
/// use besom_plugin::prelude::*;
///
/// let needs = table("sessions").reads(["finished_at"]).updates(["last_active_ip"]).deletes();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct TableAccess {
    /// The table, as `table` or `schema.table`.
    pub table: String,
    /// Columns read: in conditions, joins and orders, and by reading rows.
    pub read: Vec<String>,
    /// Columns assigned, also by `ON DELETE SET NULL` and `SET DEFAULT`.
    pub update: Vec<String>,
    /// Whether rows are deleted, also by `ON DELETE CASCADE`.
    pub delete: bool,
    /// Further keys that a host may know, such as `all-rows`.
    pub extras: Vec<(String, String)>,
}

/// The key among the extras of an entry that a database may lack.
const IF_THERE: &str = "if-there";

/// Begins what a job needs from `table`.
pub fn table(table: impl Into<String>) -> TableAccess {
    TableAccess {
        table: table.into(),
        read: Vec::new(),
        update: Vec::new(),
        delete: false,
        extras: Vec::new(),
    }
}

impl TableAccess {
    /// Reads these columns.
    pub fn reads<C: Into<String>>(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        add(&mut self.read, columns);
        self
    }

    /// Assigns these columns.
    pub fn updates<C: Into<String>>(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        add(&mut self.update, columns);
        self
    }

    /// Deletes rows.
    pub fn deletes(mut self) -> Self {
        self.delete = true;
        self
    }

    /// Asks for the right to sweep [`everything`](crate::everything).
    pub fn all_rows(self) -> Self {
        self.extra("all-rows", "true")
    }

    /// A column that every row is meant to have and without which the job never takes it, such as
    /// `expires_at`: the host's preflight says how many rows lack it. Not for a column that a row gets
    /// later, such as `finished_at`.
    ///
    /// ```
    /// use besom_plugin::prelude::*;
    ///
    /// let sweep = delete("tokens")
    ///     .matching(column("expires_at").older_than(now()))
    ///     .also_touches(table("tokens").expiry("expires_at"));
    /// ```
    pub fn expiry(self, column: impl Into<String>) -> Self {
        self.extra("expiry", column)
    }

    /// Several lists as one, with one entry a table: for a plugin that looks at more than its sweeps do.
    pub fn merged(list: impl IntoIterator<Item = Self>) -> Vec<Self> {
        merged(list)
    }

    /// Goes by an index that begins with these columns, or by a primary key or a unique constraint
    /// that does; with a predicate, if it is to have one: `index("seen_at where state = 'open'")`.
    /// For what the sweeps of a [plan](crate::Plugin::plan) go by, nobody has to say it.
    pub fn index(self, columns: impl Into<String>) -> Self {
        self.extra("index", columns)
    }

    /// Touched only where the database has it: a host leaves the entry out where the table, or a column
    /// that it reads, is not there, and leaves out each updated column that is not. A job whose other
    /// entries name what is not there does not run on that database at all.
    pub fn if_there(self) -> Self {
        self.extra(IF_THERE, "true")
    }

    fn is_if_there(&self) -> bool {
        self.extras.iter().any(|(key, _)| key == IF_THERE)
    }

    /// Adds a key that a host may know.
    pub fn extra(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let pair = (key.into(), value.into());
        if !self.extras.contains(&pair) {
            self.extras.push(pair);
        }
        self
    }
}

fn add<C: Into<String>>(to: &mut Vec<String>, columns: impl IntoIterator<Item = C>) {
    for column in columns {
        let column = column.into();
        if !to.contains(&column) {
            to.push(column);
        }
    }
}

/// One entry a table, in the order in which the tables first appear; behind it, as they are, entries for
/// what may not be there.
pub(crate) fn merged(list: impl IntoIterator<Item = TableAccess>) -> Vec<TableAccess> {
    let mut merged: Vec<TableAccess> = Vec::new();
    for one in list {
        if one.is_if_there() {
            if !merged.contains(&one) {
                merged.push(one);
            }
            continue;
        }
        let same = |known: &TableAccess| known.table == one.table && !known.is_if_there();
        let index = merged.iter().position(same);
        match index.and_then(|index| merged.get_mut(index)) {
            Some(known) => {
                add(&mut known.read, one.read);
                add(&mut known.update, one.update);
                known.delete |= one.delete;
                for extra in one.extras {
                    if !known.extras.contains(&extra) {
                        known.extras.push(extra);
                    }
                }
            }
            None => merged.push(one),
        }
    }
    merged
}

impl Sweep {
    /// What this sweep needs: one entry a table.
    pub fn access(&self) -> Vec<TableAccess> {
        let name = self.table();
        let mut list = vec![match self.action() {
            Action::Delete => table(name).deletes(),
            Action::Update(_) => table(name),
        }];
        if let Action::Update(assignments) = self.action() {
            for assignment in assignments {
                of_assignment(name, assignment, &mut list);
            }
        }
        of_condition(name, self.condition(), &mut list);
        list.extend(self.order().map(|column| table(name).reads([column])));
        for dependent in self.dependents() {
            of_dependent(name, dependent, &mut list);
        }
        list.extend(self.touched().iter().cloned());
        merged(list)
    }
}

fn of_assignment(name: &str, assignment: &Assignment, list: &mut Vec<TableAccess>) {
    let own = match assignment {
        Assignment::Value { column, .. } => table(name).updates([column]),
        Assignment::Column { column, source } => table(name).updates([column]).reads([source]),
        Assignment::Network { column, .. } => table(name).updates([column]).reads([column]),
        Assignment::Related {
            column,
            table: other,
            on,
            source,
        } => {
            of_join(name, other, on, list);
            list.push(table(other).reads([source]));
            table(name).updates([column])
        }
    };
    list.push(own);
}

pub(crate) fn of_dependent(parent: &str, dependent: &Dependent, list: &mut Vec<TableAccess>) {
    let name = dependent.table.as_str();
    of_join(parent, name, &dependent.on, list);
    if let Some(matching) = &dependent.matching {
        of_condition(name, matching, list);
    }
    list.push(if dependent.delete {
        table(name).deletes()
    } else {
        table(name).updates(dependent.on.pairs.iter().map(|pair| &pair.foreign))
    });
    for child in &dependent.dependents {
        of_dependent(name, child, list);
    }
}

fn of_join(local: &str, foreign: &str, on: &Join, list: &mut Vec<TableAccess>) {
    list.push(table(local).reads(on.pairs.iter().map(|pair| &pair.local)));
    list.push(table(foreign).reads(on.pairs.iter().map(|pair| &pair.foreign)));
}

pub(crate) fn of_condition(name: &str, condition: &Condition, list: &mut Vec<TableAccess>) {
    match condition {
        Condition::Compare { column, .. }
        | Condition::OlderThan { column, .. }
        | Condition::IdOlderThan { column, .. }
        | Condition::IsNull { column }
        | Condition::IsNotNull { column }
        | Condition::OneOf { column, .. }
        | Condition::StartsWith { column, .. } => list.push(table(name).reads([column])),
        Condition::CompareColumns { column, to, .. } => {
            list.push(table(name).reads([column, to]));
        }
        Condition::Exists {
            table: other,
            on,
            matching,
        }
        | Condition::NotExists {
            table: other,
            on,
            matching,
        } => {
            of_join(name, other, on, list);
            if let Some(matching) = matching {
                of_condition(other, matching, list);
            }
        }
        Condition::BeyondNewest {
            group_by, order_by, ..
        } => list.push(table(name).reads(group_by).reads([order_by])),
        Condition::All(of) | Condition::Any(of) => {
            for condition in of {
                of_condition(name, condition, list);
            }
        }
        Condition::Not(of) => of_condition(name, of, list),
        Condition::Everything => list.push(table(name).all_rows()),
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;

    #[test]
    fn a_sweep_needs_what_its_conditions_joins_order_dependents_and_side_effects_touch() {
        let cutoff = Timestamp::from_micros(0);
        let sweep = delete("parents")
            .matching(all([
                column("finished_at").older_than(cutoff),
                not_exists(
                    "owners",
                    join("id")
                        .to("owner_id")
                        .matching(column("live").equals(true)),
                ),
            ]))
            .order_by("finished_at")
            .delete_first("children", join("parent_id").to("id"))
            .dependent(
                Dependent::delete("letters", join("parent_id").to("id"))
                    .delete_first("stamps", join("letter_id").to("id"))
                    .unlink_first("notes", join("letter_id").to("id")),
            )
            .also_touches(table("guests").updates(["host_id"]));

        let access = sweep.access();

        assert_eq!(
            access,
            [
                table("parents")
                    .reads(["finished_at", "owner_id", "id"])
                    .deletes(),
                table("owners").reads(["id", "live"]),
                table("children").reads(["parent_id"]).deletes(),
                table("letters").reads(["parent_id", "id"]).deletes(),
                table("stamps").reads(["letter_id"]).deletes(),
                table("notes").reads(["letter_id"]).updates(["letter_id"]),
                table("guests").updates(["host_id"]),
            ]
        );
    }

    #[test]
    fn what_tells_the_rows_that_go_ahead_is_read() {
        let of_accounts = join("about_id")
            .to("id")
            .matching(column("about_kind").equals("account"));
        let sweep = delete("accounts")
            .matching(column("over").equals(true))
            .delete_first("notes", of_accounts.clone())
            .unlink_first("tags", of_accounts);

        assert_eq!(
            sweep.access(),
            [
                table("accounts").reads(["over", "id"]).deletes(),
                table("notes").reads(["about_id", "about_kind"]).deletes(),
                table("tags")
                    .reads(["about_id", "about_kind"])
                    .updates(["about_id"]),
            ]
        );
    }

    #[test]
    fn what_on_delete_rules_reach_stands_in_entries_of_its_own() {
        let sweep = delete("parents")
            .matching(column("over").equals(true))
            .cascades_to("letters", "parent_id")
            .sets_null("parents", "heir_id")
            .sets_null("guests", "host_id")
            .sets_null("guests", "host_id");

        assert_eq!(
            sweep.access(),
            [
                table("parents").reads(["over"]).deletes(),
                table("letters").reads(["parent_id"]).deletes().if_there(),
                table("parents").updates(["heir_id"]).if_there(),
                table("guests").updates(["host_id"]).if_there(),
            ]
        );
    }

    #[test]
    fn an_update_needs_the_columns_it_assigns_and_the_columns_it_takes_them_from() {
        let sweep = update("logins")
            .set("state", "closed")
            .set_from_column("closed_at", "seen_at")
            .set_from_related("owner", "users", join("id").to("user_id"), "name")
            .set_network("ip", 24, 48)
            .matching(column("state").equals("open"));

        assert_eq!(
            sweep.access(),
            [
                table("logins")
                    .reads(["seen_at", "user_id", "ip", "state"])
                    .updates(["state", "closed_at", "owner", "ip"]),
                table("users").reads(["id", "name"]),
            ]
        );
    }

    #[test]
    fn sweeping_everything_asks_for_all_rows() {
        let access = delete("scratch").matching(everything()).access();

        assert_eq!(access, [table("scratch").all_rows().deletes()]);
    }
}
