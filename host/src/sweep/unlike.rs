//! Joins that the database cannot make. SQLite takes bytes and text for different without a word, and every row
//! would seem to be without the rows tied to it; PostgreSQL would refuse in the middle of the run.

use super::RunContext;
use super::forms::fault;
use crate::catalog::{Catalog, Classes, Column, Dialect, Table, quote_ident};
use crate::request::{Fault, Request};
use crate::scope::Authorized;
use crate::sql::{Pair, Plan};

/// Refuses the request, by name, where values of two columns that it holds against each other are never equal.
pub(super) async fn refuse(
    context: &RunContext,
    authorized: &Authorized<Request>,
) -> Result<(), Fault> {
    let mut pairs = Plan::pairs(authorized, &context.catalog)?;
    if context.catalog.dialect() == Dialect::Postgres {
        pairs.retain(|pair| !pair.is_of_one_type());
    }
    if pairs.is_empty() {
        return Ok(());
    }
    let mut session = context.database.session().await?;
    session.hold().await?;
    for pair in &pairs {
        let ((table, one), (far, other)) = (&pair.one, &pair.other);
        if let Some(connection) = session.as_postgres() {
            let known = Catalog::have_equality_postgres(connection, table, one, other).await;
            if !known.map_err(fault)? {
                return Err(without_equality(pair));
            }
        } else if let Some(connection) = session.as_sqlite() {
            let here = Catalog::classes_sqlite(connection, table, one).await;
            let there = Catalog::classes_sqlite(connection, far, other).await;
            let (here, there): (Classes, Classes) = (here.map_err(fault)?, there.map_err(fault)?);
            if let Some(classes) = here.unlike(one, there, other) {
                return Err(never_equal(pair, classes));
            }
        }
    }
    session.release().await?;
    Ok(())
}

fn named((table, column): &(std::sync::Arc<Table>, Column)) -> String {
    format!("`{}` of `{}`", column.name, table.id)
}

fn without_equality(pair: &Pair) -> Fault {
    Fault::invalid(
        "value",
        format!(
            "{} ({}) and {} ({}) cannot be held against each other: the database has no `=` between these types. \
             Give both columns one type",
            named(&pair.one),
            pair.one.1.sql_type,
            named(&pair.other),
            pair.other.1.sql_type,
        ),
    )
}

fn never_equal(pair: &Pair, (one, other): (&str, &str)) -> Fault {
    let find = |(table, column): &(std::sync::Arc<Table>, Column), class: &str| {
        let is = match class {
            "number" => "IN ('integer', 'real')".to_owned(),
            class => format!("= '{class}'"),
        };
        let name = quote_ident(&column.name);
        format!(
            "SELECT * FROM {} WHERE typeof({name}) {is}",
            table.sql_name()
        )
    };
    Fault::invalid(
        "value",
        format!(
            "{} holds a {one} and {} a {other}: SQLite never finds these equal, whatever they mean, and rows that \
             are tied would not be seen. Write both alike; `{}` and `{}` show them",
            named(&pair.one),
            named(&pair.other),
            find(&pair.one, one),
            find(&pair.other, other),
        ),
    )
}
