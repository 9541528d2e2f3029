//! What an error of the database comes from, where it is none of a row: a right that was taken away, row-level security
//! that was switched on, a trigger that names what is not there. A run ends by it, and whoever reads the record has to
//! know whose it is.

use std::collections::BTreeSet;

use super::context::RunContext;
use super::schema;
use crate::catalog::{Catalog, Dialect, Table, TableId, Trigger, quote_ident};
use crate::database::{DatabaseError, Session, Statement};
use crate::request::{Fault, Problem, Request};
use crate::scope::Authorized;
use crate::sql::Plan;

/// The SQLSTATE where the role lacks a right, also where row-level security would hide rows from it.
const MAY_NOT: &str = "42501";

/// SQLite's code for a statement that does not compile.
const GENERIC: &str = "1";

/// A look at a column's values that the database refused, while a sweep was being opened.
const LOOK: &str = "probe-failed";

/// Where a batch was under way.
const TAKEN_BACK: &str = "The batch was rolled back; what earlier ones did stands";

/// Where the sweep was only being opened.
const AHEAD: &str = "No batch of this sweep has begun; what earlier sweeps did stands";

/// What a failed statement was about.
struct About<'a> {
    catalog: &'a Catalog,
    /// The tables that it changes.
    changed: BTreeSet<TableId>,
    /// Those that it only names.
    named: BTreeSet<TableId>,
    /// What became of what it was a part of.
    and_now: &'static str,
}

impl RunContext {
    /// The same fault with what it comes from, and the way out.
    pub(super) async fn explained(&self, plan: &Plan, fault: Fault) -> Fault {
        self.told(fault, || About::plan(plan, TAKEN_BACK)).await
    }

    /// The same where no batch of the sweep has begun yet.
    pub(super) async fn explained_ahead(&self, plan: &Plan, fault: Fault) -> Fault {
        self.told(fault, || About::plan(plan, AHEAD)).await
    }

    /// The same where not even its statements have been written.
    pub(super) async fn explained_unplanned(
        &self,
        authorized: &Authorized<Request>,
        fault: Fault,
    ) -> Fault {
        let about = || {
            let pairs = Plan::pairs(authorized, &self.catalog).unwrap_or_default();
            let probes = Plan::probes(authorized, &self.catalog).unwrap_or_default();
            let joined = pairs.iter().flat_map(|pair| [&pair.one, &pair.other]);
            let joined = joined.map(|(table, _)| table.id.clone());
            let looked_at = probes.iter().map(|probe| probe.table.id.clone());
            About {
                catalog: &self.catalog,
                changed: BTreeSet::from([authorized.table().id.clone()]),
                named: joined.chain(looked_at).collect(),
                and_now: AHEAD,
            }
        };
        self.told(fault, about).await
    }

    async fn told<'a>(&self, fault: Fault, about: impl FnOnce() -> About<'a>) -> Fault {
        let (problem, look) = match &fault {
            Fault::Database(problem) => (problem, false),
            // In a rehearsal there is no run that had begun.
            Fault::Invalid(problem) if problem.code == LOOK && !self.rehearsal => (problem, true),
            _ => return fault,
        };
        // Of a name or a right, and so of the schema.
        let of_schema = ["42", "3F"]
            .iter()
            .any(|class| problem.code.starts_with(class));
        if !(look || of_schema && problem.code.len() == 5 || problem.code == GENERIC) {
            return fault;
        }
        let about = about();
        if about.and_now == AHEAD
            && !self.looks_only()
            && let Some(table) = self.another(&about).await
        {
            return schema::another(&table);
        }
        let explained = |cause: String| {
            let said = format!("{}. {cause}. {}", problem.message, about.and_now);
            Problem::new(problem.code.clone(), said)
        };
        match self.cause(&about, problem).await {
            Ok(Some(cause)) if look => Fault::Invalid(explained(cause)),
            Ok(Some(cause)) => Fault::Database(explained(cause)),
            Ok(None) => fault,
            Err(error) => {
                tracing::debug!(%error, "what the error comes from cannot be told");
                fault
            }
        }
    }

    /// A table that the sweep names and that is not what it was when the run began.
    async fn another(&self, about: &About<'_>) -> Option<TableId> {
        let now = match self.catalog_now().await {
            Ok(now) => now?,
            Err(error) => {
                tracing::debug!(%error, "what the error comes from cannot be told");
                return None;
            }
        };
        let is = |catalog: &Catalog, id: &TableId| {
            let facts = &catalog.by_id(id)?.behind.facts;
            Some((facts.oid, facts.named(None).to_owned()))
        };
        let mut named = about.named.iter().chain(&about.changed);
        named
            .find(|id| is(about.catalog, id) != is(&now, id))
            .cloned()
    }

    async fn catalog_now(&self) -> Result<Option<Catalog>, DatabaseError> {
        let mut session = self.database.session().await?;
        session.hold().await?;
        let catalog = match session.as_postgres() {
            Some(connection) => Catalog::load_postgres(connection).await,
            None => match session.as_sqlite() {
                Some(connection) => Catalog::load_sqlite(connection).await,
                None => return Ok(None),
            },
        };
        session.release().await?;
        let catalog = catalog.map_err(|error| DatabaseError::other("catalog", error.to_string()));
        catalog.map(Some)
    }

    async fn cause(
        &self,
        about: &About<'_>,
        problem: &Problem,
    ) -> Result<Option<String>, DatabaseError> {
        let Some(catalog) = self.catalog_now().await? else {
            return Ok(None);
        };
        let changed = &about.changed;
        if catalog.dialect() == Dialect::Sqlite {
            let mut session = self.database.session().await?;
            return of_sqlite(&mut session, changed, &problem.message).await;
        }
        let role = catalog.role().unwrap_or("?").to_owned();
        if let Some((table, trigger)) = trigger(&catalog, changed, &problem.message) {
            return Ok(Some(by_trigger(table, trigger, &role, problem)));
        }
        if ![MAY_NOT, LOOK].contains(&problem.code.as_str()) {
            return Ok(None);
        }
        let named: BTreeSet<&TableId> = about.named.iter().chain(changed).collect();
        let lost: Vec<_> = named
            .into_iter()
            .filter_map(|id| lost(about.catalog, &catalog, id, &role))
            .collect();
        Ok(Some(match lost.is_empty() {
            false => lost.join("; "),
            // It may be refused for any other reason.
            true if problem.code == LOOK => return Ok(None),
            true => format!(
                "On the job's tables role `{role}` has the rights that it had when the run began; what it needs, also on \
                 besom's own tables, `besom grants --sql {role}` prints"
            ),
        }))
    }
}

impl<'a> About<'a> {
    fn plan(plan: &'a Plan, and_now: &'static str) -> Self {
        let changed = plan.authorized.events();
        Self {
            catalog: &plan.catalog,
            changed: changed.into_iter().map(|(table, _)| table).collect(),
            named: plan.named().into_keys().collect(),
            and_now,
        }
    }
}

/// What the role has no more on the table.
fn lost(was: &Catalog, is: &Catalog, id: &TableId, role: &str) -> Option<String> {
    let was = was.by_id(id)?;
    let to = quote_ident(role);
    let Some(is) = is.by_id(id) else {
        return Some(format!(
            "`{id}` is gone, or out of sight for role `{role}`, since the run began; where it is there: GRANT USAGE ON \
             SCHEMA {} TO {to}",
            quote_ident(&id.schema)
        ));
    };
    let table = is.sql_name();
    if is.row_security && !was.row_security {
        return Some(format!(
            "row-level security of `{id}` applies to role `{role}` since the run began, and would hide rows that keep \
             others from going. Switch it off again (ALTER TABLE {table} DISABLE ROW LEVEL SECURITY, or NO FORCE ROW LEVEL \
             SECURITY where the role owns the table), or let the role see every row (ALTER ROLE {to} BYPASSRLS)"
        ));
    }
    let mut rights = Vec::new();
    if was.privileges.delete && !is.privileges.delete {
        rights.push("DELETE".to_owned());
    }
    for (right, whole, of) in [
        (
            "SELECT",
            is.privileges.select,
            readable as fn(&Table, &str) -> bool,
        ),
        ("UPDATE", false, assignable as fn(&Table, &str) -> bool),
    ] {
        let columns: Vec<_> = was
            .columns
            .iter()
            .filter(|column| of(was, &column.name) && !of(is, &column.name))
            .map(|column| quote_ident(&column.name))
            .collect();
        if !whole && !columns.is_empty() {
            rights.push(match columns.len() == was.columns.len() {
                true => right.to_owned(),
                false => format!("{right} ({})", columns.join(", ")),
            });
        }
    }
    if rights.is_empty() {
        return None;
    }
    let rights = rights.join(", ");
    Some(format!(
        "role `{role}` has no {rights} on `{id}` since the run began: GRANT {rights} ON {table} TO {to}"
    ))
}

fn readable(table: &Table, column: &str) -> bool {
    table.column(column).is_some_and(|column| column.readable)
}

fn assignable(table: &Table, column: &str) -> bool {
    table.column(column).is_some_and(|column| column.assignable)
}

/// The trigger of a table that changes in whose function the error came about.
fn trigger<'c>(
    catalog: &'c Catalog,
    changed: &BTreeSet<TableId>,
    message: &str,
) -> Option<(&'c Table, &'c Trigger)> {
    let tables = changed.iter().filter_map(|id| catalog.by_id(id));
    let mut all = tables.flat_map(|table| {
        let leaves = catalog.leaves_of(table).map(AsRef::as_ref);
        leaves.chain([table.as_ref()])
    });
    all.find_map(|table: &Table| {
        let mut triggers = table.triggers.iter();
        let found = triggers.find(|trigger| {
            let function = trigger.function.as_ref();
            function.is_some_and(|name| message.contains(&format!("function {name} ")))
        });
        Some((table, found?))
    })
}

fn by_trigger(table: &Table, trigger: &Trigger, role: &str, problem: &Problem) -> String {
    let function = trigger.function.as_deref().unwrap_or("?");
    let hides = problem.message.contains("row-level security");
    let what = match problem.code == MAY_NOT {
        true if hides => format!(
            "its function {function} meets row-level security, which besom's sessions refuse to be narrowed by (row_security \
             = off), while the application's are. Let the function be narrowed as it is there (ALTER FUNCTION \
             {function} SET row_security = on), or act with its owner's rights (SECURITY DEFINER)"
        ),
        true => format!(
            "its function {function} does what role `{role}` may not. Give the role that right, or let the function act \
             with its owner's (ALTER FUNCTION {function} SECURITY DEFINER)"
        ),
        false => format!(
            "its function {function} names what is not there. Make that, or mend the function"
        ),
    };
    format!(
        "This comes from trigger `{}` of `{}`: {what}; or take the trigger away (ALTER TABLE {} DISABLE TRIGGER {})",
        trigger.name,
        table.id,
        table.sql_name(),
        quote_ident(&trigger.name)
    )
}

/// SQLite compiles a table's triggers with the statement and says what is missing, not where.
async fn of_sqlite(
    session: &mut Session,
    changed: &BTreeSet<TableId>,
    message: &str,
) -> Result<Option<String>, DatabaseError> {
    let missing = ["no such table: ", "no such column: ", "no such function: "];
    let Some(name) = missing.iter().find_map(|begin| {
        let (_, name) = message.split_once(begin)?;
        Some(name.rsplit('.').next().unwrap_or(name).trim().to_owned())
    }) else {
        return Ok(None);
    };
    let mut w = Statement::new(Dialect::Sqlite);
    w.push(
        "SELECT name, tbl_name, sql FROM main.sqlite_schema WHERE type = 'trigger' ORDER BY name",
    );
    for row in session.fetch(&w).await? {
        let text = |at: usize| row.get(at).as_text().unwrap_or_default().to_owned();
        let (trigger, table, sql) = (text(0), text(1), text(2));
        let of_changed = changed
            .iter()
            .any(|id| id.name.eq_ignore_ascii_case(&table));
        if of_changed && names(&sql, &name) {
            return Ok(Some(format!(
                "This comes from trigger `{trigger}` of `{table}`, which names `{name}`: make that, or take the trigger \
                 away (DROP TRIGGER {})",
                quote_ident(&trigger)
            )));
        }
    }
    Ok(None)
}

/// The statement has the name as a word.
fn names(sql: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    sql.split(|c| !is_word(c))
        .any(|word| word.eq_ignore_ascii_case(name))
}
