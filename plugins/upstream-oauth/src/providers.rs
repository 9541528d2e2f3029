//! Rows of providers that nobody knows: a sign that the database is not the one that it is taken for, or
//! that a provider was removed by hand. Better to ask before deleting.

use besom_plugin::prelude::*;

/// Counted no further: enough to tell one stray row from a table of them.
const MOST: u64 = 1_000;

/// The two tables that name a provider, and their columns.
const NAMING: [(&str, &str); 2] = [
    ("links-table", "links-provider-column"),
    (
        "authorization-sessions-table",
        "authorization-sessions-provider-column",
    ),
];

/// What looking for them takes.
pub(crate) fn access() -> Result<Vec<TableAccess>> {
    let providers = table(setting::<String>("providers-table")?);
    let mut access = vec![providers.reads([setting::<String>("providers-id-column")?])];
    for (name, column) in NAMING {
        access.push(table(setting::<String>(name)?).reads([setting::<String>(column)?]));
    }
    Ok(access)
}

/// One finding a table.
pub(crate) fn unknown() -> Result<Vec<Finding>> {
    // Both are asked for before either answer is looked at, so that a right that the role lacks on one
    // table does not hide what it lacks on the other.
    let mut counted = Vec::new();
    for (table, naming) in NAMING {
        let (table, naming): (String, String) = (setting(table)?, setting(naming)?);
        let strays = count(&table, &of_no_known_provider(&naming)?, MOST);
        counted.push((table, naming, strays));
    }
    let mut findings = Vec::new();
    for (table, naming, strays) in counted {
        let strays = strays?;
        if strays == 0 {
            continue;
        }
        let rows = match strays {
            1 => "1 row".to_owned(),
            MOST => format!("{MOST} rows or more"),
            some => format!("{some} rows"),
        };
        let providers: String = setting("providers-table")?;
        let wanted = match known()? {
            None => String::new(),
            Some(_) => " and in the setting `providers`".to_owned(),
        };
        findings.push(
            Finding::error(
                "unknown-provider",
                format!(
                    "{rows} of `{table}` have a provider in `{naming}` that is not in \
                     `{providers}`{wanted}: look where they come from, add the provider, or tolerate \
                     `unknown-provider` if they may be cleaned up like the others"
                ),
            )
            .extra("table", table)
            .extra("rows", strays.to_string()),
        );
    }
    Ok(findings)
}

fn of_no_known_provider(naming: &str) -> Result<Condition> {
    let id: String = setting("providers-id-column")?;
    let gone = all([
        column(naming).is_not_null(),
        not_exists(setting::<String>("providers-table")?, join(id).to(naming)),
    ]);
    Ok(match known()? {
        None => gone,
        Some(known) => any([gone, not(column(naming).one_of(known))]),
    })
}

/// The ids that the operator gives, if any: an empty list says nothing.
fn known() -> Result<Option<Vec<Value>>> {
    let given: Option<Vec<String>> = setting("providers")?;
    let value = |id: String| match is_uuid(&id) {
        true => Value::Uuid(id),
        false => Value::Text(id),
    };
    let known = given.map(|ids| ids.into_iter().map(value).collect::<Vec<_>>());
    Ok(known.filter(|known| !known.is_empty()))
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<_> = text.split('-').map(str::len).collect();
    let digits = text.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    digits && groups == [8, 4, 4, 4, 12]
}
