//! Which index serves which order and which search.

use super::*;

fn index(name: &str, columns: &[&str], predicate: Option<&str>) -> Index {
    Index {
        name: name.to_owned(),
        columns: columns
            .iter()
            .map(|name| IndexColumn::plain(*name))
            .collect(),
        unique: false,
        nulls_distinct: true,
        predicate: predicate.map(str::to_owned),
        valid: true,
        btree: true,
        hash: false,
        rows: None,
    }
}

fn best(indexes: Vec<Index>, facts: &[Condition]) -> Option<String> {
    let table = Table {
        indexes,
        estimated_rows: 1_000_000,
        ..table(Dialect::Postgres)
    };
    let facts: Vec<_> = facts.iter().collect();
    let serving = table.in_order_of("t", &facts, Dialect::Postgres);
    serving.first().map(|serving| serving.index.name.clone())
}

#[test]
fn among_indexes_that_serve_the_narrowest_is_taken() {
    let whole = index("a_whole", &["t"], None);
    let keyed = index("b_keyed", &["t", "id"], None);
    let partial = index("c_partial", &["t"], Some("(ip IS NOT NULL)"));
    let narrow = index("d_narrow", &["t"], Some("((ip IS NOT NULL) AND flag)"));
    let facts = [
        set("ip"),
        is("flag", Value::Boolean(true)),
        is("n", Value::Integer(1)),
    ];
    let all = vec![
        whole.clone(),
        keyed.clone(),
        partial.clone(),
        narrow.clone(),
    ];

    assert_eq!(best(all, &facts).as_deref(), Some("d_narrow"));
    assert_eq!(
        best(vec![whole.clone(), keyed.clone()], &facts).as_deref(),
        Some("b_keyed")
    );
    // Statistics know better.
    let counted = |index: &Index, rows| Index {
        rows: Some(rows),
        ..index.clone()
    };
    let known = vec![counted(&partial, 10), counted(&narrow, 900_000)];
    assert_eq!(best(known, &facts).as_deref(), Some("c_partial"));
    let tenant = index("e_tenant", &["n", "t"], None);
    assert_eq!(
        best(vec![whole.clone(), tenant.clone()], &facts).as_deref(),
        Some("e_tenant")
    );
    assert_eq!(
        best(vec![whole, tenant], &[old()]).as_deref(),
        Some("a_whole")
    );
}

#[test]
fn an_index_behind_columns_that_are_held_to_one_value_serves() {
    let by_two = || vec![index("i", &["n", "flag", "t", "id"], None)];
    let tenant = is("n", Value::Integer(1));
    let flagged = is("flag", Value::Boolean(true));
    assert_eq!(
        best(by_two(), &[tenant.clone(), flagged.clone()]).as_deref(),
        Some("i")
    );
    assert_eq!(
        best(by_two(), &[null("n"), flagged.clone()]).as_deref(),
        Some("i")
    );
    assert_eq!(
        best(
            by_two(),
            &[one_of("n", &[Value::Integer(1)]), flagged.clone()]
        )
        .as_deref(),
        Some("i")
    );
    assert_eq!(best(by_two(), std::slice::from_ref(&tenant)), None);
    let several = one_of("n", &[Value::Integer(1), Value::Integer(2)]);
    assert_eq!(best(by_two(), &[several, flagged.clone()]), None);
    let either = Condition::Any(vec![tenant, is("n", Value::Integer(2))]);
    assert_eq!(best(by_two(), &[either, flagged]), None);
}

#[test]
fn an_index_is_read_backwards_where_its_key_goes_the_same_way() {
    let reaches = |t: bool, id: bool| {
        let mut index = index("i", &["t", "id"], None);
        for (column, descending) in index.columns.iter_mut().zip([t, id]) {
            column.descending = descending;
            column.nulls_first = descending;
        }
        let table = Table {
            indexes: vec![index],
            ..table(Dialect::Postgres)
        };
        let serving = table.in_order_of("t", &[], Dialect::Postgres);
        assert!(serving.iter().all(|serving| !serving.nulls_first));
        assert_eq!(serving.len(), 1);
        serving.iter().any(|serving| serving.reaches_key)
    };
    assert!(reaches(false, false) && reaches(true, true));
    assert!(!reaches(true, false) && !reaches(false, true));
}

#[test]
fn a_search_goes_by_the_columns_that_lead_an_index_in_any_order() {
    let found = |index: Index, columns: &[&str], facts: &[Condition]| {
        let table = Table {
            indexes: vec![index],
            ..table(Dialect::Postgres)
        };
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        let facts: Vec<_> = facts.iter().collect();
        table
            .searched_by(&columns, &facts, Dialect::Postgres)
            .is_some()
    };
    assert!(found(index("i", &["n"], None), &["n"], &[]));
    assert!(found(index("i", &["b", "n", "c"], None), &["n", "b"], &[]));
    assert!(!found(index("i", &["c", "n"], None), &["n"], &[]));
    assert!(!found(index("i", &["n", "c", "b"], None), &["n", "b"], &[]));
    assert!(!found(index("i", &["n"], None), &["n", "b"], &[]));

    assert!(found(
        index("i", &["n"], Some("(n IS NOT NULL)")),
        &["n"],
        &[]
    ));
    let both = "((n IS NOT NULL) AND (\"b\" IS NOT NULL))";
    assert!(found(index("i", &["n", "b"], Some(both)), &["n", "b"], &[]));
    assert!(!found(index("i", &["n"], Some("flag")), &["n"], &[]));
    assert!(!found(
        index("i", &["n"], Some("(ip IS NOT NULL)")),
        &["n"],
        &[]
    ));
    assert!(!found(
        index("i", &["n"], Some("(n IS NOT NULL) OR flag")),
        &["n"],
        &[]
    ));

    // Rows of one kind.
    let kind = [is("s", text("account"))];
    assert!(found(index("i", &["s", "n"], None), &["n"], &kind));
    assert!(found(
        index("i", &["n"], Some("(s = 'account'::text)")),
        &["n"],
        &kind
    ));
    assert!(!found(
        index("i", &["n"], Some("(s = 'card'::text)")),
        &["n"],
        &kind
    ));

    let hash = Index {
        btree: false,
        hash: true,
        ..index("i", &["n"], None)
    };
    assert!(found(hash, &["n"], &[]));
    let mut foreign = index("i", &["n"], None);
    foreign.columns.iter_mut().for_each(|c| c.collated = false);
    assert!(!found(foreign, &["n"], &[]));
}

#[test]
fn an_index_that_comes_near_is_named_with_what_it_lacks() {
    let near = |index: Index| {
        let table = Table {
            indexes: vec![index],
            ..table(Dialect::Postgres)
        };
        table
            .why_not("s", &[], Dialect::Postgres)
            .unwrap_or_default()
    };
    let mut lower = index("i", &["s"], None);
    for column in &mut lower.columns {
        column.name = None;
        column.collated = false;
        column.instead = Some("lower(s)".to_owned());
    }
    assert_eq!(near(lower.clone()), "index `i` is on `lower(s)`");
    for column in &mut lower.columns {
        column.name = Some("s".to_owned());
        column.instead = Some("s COLLATE \"de-x-icu\"".to_owned());
    }
    assert_eq!(near(lower), "index `i` is on `s COLLATE \"de-x-icu\"`");
    let behind = near(index("i", &["n", "s"], None));
    assert!(behind.contains("has `n` before it"), "{behind}");
    let partial = near(index("i", &["s"], Some("flag")));
    assert!(partial.contains("`WHERE flag`"), "{partial}");
    assert_eq!(near(index("i", &["n"], None)), "");
}
