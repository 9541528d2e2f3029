//! Numbers that no form of their column reads: exactly those, and by the column's index.

use besom::database::Statement;

use crate::cli::{Desk, connect};

const JOB: &str = "sessions/expired";

/// Logins that end, of which 4 000 are live, and these values beside.
async fn desk(
    database: besom_tests::TestDatabase,
    declared: &str,
    form: &str,
    live: &str,
    values: &[(i64, &str)],
) -> Desk {
    let desk = Desk::with_file(
        database,
        &format!(
            "[plugins.sessions]\nsettings = {{ profile = \"server-sessions\", sessions-table = \"app_logins\", \
             sessions-absolute-expires-at-column = \"ends_at\" }}\n\
             [time-forms]\n\"app_logins.ends_at\" = {form}\n"
        ),
    );
    let rows: Vec<_> = values
        .iter()
        .map(|(id, value)| format!("({id}, {value})"))
        .collect();
    desk.script(&format!(
        "CREATE TABLE app_logins (id bigint PRIMARY KEY, ends_at {declared});
         INSERT INTO app_logins WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 4000)
             SELECT n, {live} FROM s;
         INSERT INTO app_logins VALUES {};
         CREATE INDEX logins_end ON app_logins (ends_at) WHERE ends_at IS NOT NULL;
         ANALYZE",
        rows.join(", ")
    ))
    .await;
    desk.says(&["migrate"]);
    desk
}

/// How the database would run the statement where it may.
async fn explained(desk: &Desk, sql: &str) -> String {
    let pool = connect(&desk.database).await;
    let mut statement = Statement::new(pool.dialect());
    let mut session = pool.session().await.unwrap();
    match desk.database.url.starts_with("postgres") {
        true => {
            session
                .run_script("SET enable_seqscan = off")
                .await
                .unwrap();
            statement.push("EXPLAIN ").push(sql);
        }
        false => drop(statement.push("EXPLAIN QUERY PLAN ").push(sql)),
    }
    let rows = session.fetch(&statement).await.unwrap();
    let lines = rows.iter().filter_map(|row| row.0.last()?.as_text());
    let told = lines.collect::<Vec<_>>().join("\n");
    drop(session);
    pool.close().await;
    told
}

/// Of milliseconds: ids from 5000 on are of rows that are not read.
const COMMON: [(i64, &str); 18] = [
    (4001, "NULL"),
    (4002, "0"),
    (4003, "-1"),
    (4004, "94694399"),
    (4005, "94694399999999"),
    (4014, "946684800000"),
    (4006, "253402128000"),
    (4007, "253402300799"),
    (4008, "253402128000000"),
    (4009, "253402300799999"),
    (4010, "-94694400000"),
    (5001, "94694400"),
    (5002, "94694399999"),
    (5013, "946684799999"),
    (5003, "94694400000000"),
    (5004, "253402127999999"),
    (5005, "253402300800000"),
    (5006, "253402300801000000"),
];

async fn check(desk: &Desk, values: &[(i64, &str)]) {
    let expected = values.iter().filter(|(id, _)| *id >= 5000).count() as i64;

    let report = desk.json(&["run", JOB, "--json"]);

    let of = &report[0]["remains"][0]["unread_of"]["app_logins.ends_at"];
    assert_eq!(of["rows"], expected, "{report}");
    let find = of["find"].as_str().unwrap();
    let count = |more: &str| find.replacen('*', "count(*)", 1) + more;
    assert_eq!(desk.count(&count("")).await, expected, "{find}");
    assert_eq!(desk.count(&count(" AND id < 5000")).await, 0, "{find}");
    let told = explained(desk, find).await;
    assert!(
        told.contains("logins_end") && !told.contains("Seq Scan") && !told.contains("SCAN r1"),
        "{told}\n{find}"
    );
}

#[tokio::test]
async fn whole_numbers_that_are_not_read_are_found_by_the_index() {
    let further = [
        (4011, "9223372036854775807"),
        (4012, "-9223372036854775807"),
        (4013, "253402128000000000"),
        (5007, "253402127999999999"),
        (5008, "9223372036854775806"),
    ];
    let values = [COMMON.as_slice(), &further].concat();
    let live = "4000000000000 + n";
    check(
        &desk(
            besom_tests::postgres().await,
            "bigint",
            "\"unix-ms\"",
            live,
            &values,
        )
        .await,
        &values,
    )
    .await;
    let odd = [
        (4015, "'infinity'"),
        (5009, "'soon'"),
        (5010, "''"),
        (5011, "x'30'"),
        (5012, "94694399999.5"),
    ];
    let values = [values.as_slice(), &odd].concat();
    for declared in ["INTEGER", "DATETIME"] {
        let desk = desk(
            besom_tests::sqlite(),
            declared,
            "\"unix-ms\"",
            live,
            &values,
        )
        .await;
        check(&desk, &values).await;
    }
}

#[tokio::test]
async fn numbers_with_fractions_that_are_not_read_are_found_by_the_index() {
    let further = [
        (4011, "94694399.5"),
        (4012, "253402300799999.5"),
        (4013, "'infinity'"),
        (5007, "94694399999.5"),
        (5008, "'NaN'"),
    ];
    let values = [COMMON.as_slice(), &further].concat();
    for declared in ["numeric", "double precision"] {
        let database = besom_tests::postgres().await;
        let desk = desk(
            database,
            declared,
            "\"unix-ms\"",
            "4000000000000.5 + n",
            &values,
        )
        .await;
        check(&desk, &values).await;
    }
    // No NaN there, but any text.
    let desk = desk(
        besom_tests::sqlite(),
        "REAL",
        "\"unix-ms\"",
        "4000000000000.5 + n",
        &values,
    )
    .await;
    check(&desk, &values).await;
}

#[tokio::test]
async fn a_list_of_two_units_leaves_the_numbers_between_them() {
    let values = [
        (4001, "946684800"),
        (4002, "94694399999"),
        (4003, "946684800000"),
        (4004, "94694399999999"),
        (5001, "94694400000000"),
        (5002, "1767225600000000"),
        (5003, "94694400"),
        (5004, "946684799"),
        (5005, "94694400000"),
        (5006, "946684799999"),
    ];
    let (live, list) = (
        "4000000000 * CASE n % 2 WHEN 0 THEN 1 ELSE 1000 END + n",
        "[\"unix-s\", \"unix-ms\"]",
    );
    for database in [besom_tests::postgres().await, besom_tests::sqlite()] {
        let desk = desk(database, "bigint", list, live, &values).await;
        check(&desk, &values).await;
    }
}

#[tokio::test]
async fn a_column_of_32_bits_of_seconds_can_hold_nothing_that_is_not_read_but_of_before_2000() {
    let desk = desk(
        besom_tests::postgres().await,
        "integer",
        "\"unix-s\"",
        "2000000000 + n",
        &[
            (4001, "0"),
            (4002, "2147483647"),
            (4003, "94694399"),
            (4004, "-2147483648"),
            (4005, "946684800"),
        ],
    )
    .await;
    let report = desk.json(&["run", JOB, "--json"]);
    assert_eq!(
        (&report[0]["affected"], &report[0]["verified"]),
        (&1.into(), &true.into()),
        "{report}"
    );
    desk.script("INSERT INTO app_logins VALUES (5001, 94694400), (5002, 946684799)")
        .await;
    check(&desk, &[(5001, ""), (5002, "")]).await;
}
