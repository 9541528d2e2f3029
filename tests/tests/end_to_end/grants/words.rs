//! What a refusal prints is what the file must say, whatever stands there already.

use super::*;

#[tokio::test]
async fn names_that_the_file_must_quote() {
    let table = "\"odd.\"\"name\"\"\"";
    let both = Condition::All(vec![
        older("pay$load"),
        Condition::IsNotNull {
            column: "it's \"".to_owned(),
        },
    ]);
    let missing = [
        ("delete", table, ""),
        ("read", table, "pay$load"),
        ("read", table, "it's \""),
    ];
    refused(&Request::delete(table, both), "", &missing, 1).await;
}

#[tokio::test]
async fn what_the_file_says_already_is_printed_with_what_is_missing() {
    let given = "[plugins.lab.grant.plain]\ndelete = true\n\
                 min-age = { column = \"at\", age = \"90d\" }\n\
                 where = { kind = \"a\", \"until\" = \"2021-01-01 00:00:00+00\" }\n";
    for mut lab in both(POSTGRES, SQLITE).await {
        let given = file(given);
        lab.grants = Some(given.clone());
        let fault = lab
            .run(Request::delete("plain", older("at")))
            .await
            .unwrap_err();

        let (_, words) = fault.problem().message.split_once("besom.toml:\n").unwrap();

        let mut wanted = given;
        let grant = wanted.tables.get_mut("plain").unwrap();
        grant.read.insert("at".to_owned());
        assert_eq!(file(words), wanted, "{words}");
    }
}

#[tokio::test]
async fn a_grant_under_the_tables_full_name_is_one_grant_with_the_short_one() {
    for mut lab in both(POSTGRES, SQLITE).await {
        let schema = match lab.dialect() {
            Dialect::Postgres => "public",
            Dialect::Sqlite => "main",
        };
        lab.grants = Some(file(&format!(
            "[plugins.lab.grant.plain]\nread = [\"at\"]\ndelete = true\n\
             [plugins.lab.grant.\"{schema}.plain\"]\nmin-age = {{ column = \"at\", age = \"36500d\" }}\n"
        )));

        let (batch, _) = lab
            .run(Request::delete("plain", older("at")))
            .await
            .unwrap();

        assert_eq!(batch.affected, 0);
        assert_eq!(lab.count("SELECT count(*) FROM plain").await, 2);
    }
}

#[tokio::test]
async fn a_bundled_plugin_that_asks_for_more_than_its_access_list_is_at_fault_itself() {
    for lab in both(POSTGRES, SQLITE).await {
        let subject = Subject {
            job: JobName::new("tokens", "revoked-access"),
            bundled: true,
        };
        let request = Request::delete("plain", older("at"));
        let catalog = lab.catalog().await;

        let refused = authorize(request, &file(DELETE_PLAIN), &subject, &catalog, CUTOFF);

        let text = refused.unwrap_err().to_string();
        let who = "plugin `tokens`, job `tokens/revoked-access`:";
        let what = "may not read column `at` of table `plain` (the condition)";
        assert!(text.contains(who) && text.contains(what), "{text}");
        assert!(
            text.contains("defect of the plugin") && !text.contains("besom.toml"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_cascade_that_a_bundled_plugin_does_not_know_is_the_databases_and_not_its_fault() {
    let schema = "CREATE TABLE plain (id bigint PRIMARY KEY, at bigint);
        CREATE TABLE own (id bigint PRIMARY KEY,
                          plain bigint REFERENCES plain (id) ON DELETE CASCADE);";
    for lab in both(schema, schema).await {
        let subject = Subject {
            job: JobName::new("tokens", "revoked-access"),
            bundled: true,
        };
        let old = Condition::IsNotNull {
            column: "at".to_owned(),
        };
        let given = file("[plugins.lab.grant.plain]\nread = [\"at\"]\ndelete = true\n");
        let catalog = lab.catalog().await;

        let refused = authorize(
            Request::delete("plain", old),
            &given,
            &subject,
            &catalog,
            CUTOFF,
        );

        let text = refused.unwrap_err().to_string();
        assert!(
            text.contains("may not delete rows of table `own`") && text.contains("NO ACTION"),
            "{text}"
        );
        assert!(!text.contains("defect"), "{text}");
    }
}

#[tokio::test]
async fn two_grants_of_one_table_that_narrow_it_differently_are_refused() {
    for mut lab in both(POSTGRES, SQLITE).await {
        let schema = match lab.dialect() {
            Dialect::Postgres => "public",
            Dialect::Sqlite => "main",
        };
        for (one, other) in [
            (
                "min-age = { column = \"at\", age = \"1d\" }",
                "min-age = { column = \"at\", age = \"2d\" }",
            ),
            ("where = { kind = \"a\" }", "where = { kind = \"b\" }"),
        ] {
            lab.grants = Some(file(&format!(
                "[plugins.lab.grant.plain]\nread = [\"at\"]\ndelete = true\n{one}\n\
                 [plugins.lab.grant.\"{schema}.plain\"]\n{other}\n"
            )));

            let request = Request::delete("plain", older("at"));
            let fault = lab.run(request).await.unwrap_err();

            assert_eq!(fault.problem().code, "ambiguous-grant", "{fault}");
        }
    }
}
