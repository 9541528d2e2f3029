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

/// A bundled plugin that says that it touches `said`, beside what the file says.
fn bundled(said: &str, file_says: &str) -> (Granted, Subject) {
    let (access, file) = (file(said), file(file_says));
    let mut whole = access.clone();
    for (table, grant) in &file.tables {
        let one = whole.tables.entry(table.clone()).or_default();
        one.add_rights(grant);
        one.min_age.clone_from(&grant.min_age);
    }
    let granted = Granted {
        whole,
        access,
        file,
    };
    let subject = Subject {
        job: JobName::new("tokens", "revoked-access"),
        bundled: true,
    };
    (granted, subject)
}

#[tokio::test]
async fn a_plugin_does_nothing_that_its_access_list_does_not_name_whatever_the_file_gives() {
    for lab in both(POSTGRES, SQLITE).await {
        let request = Request::delete("plain", older("at"));
        let catalog = lab.catalog().await;
        for file_says in ["", "[plugins.lab.grant.plain]\nread = [\"at\"]\n"] {
            let (granted, subject) = bundled(DELETE_PLAIN, file_says);

            let refused = authorize(request.clone(), &granted, &subject, &catalog, CUTOFF);

            let text = refused.unwrap_err().to_string();
            let who = "plugin `tokens`, job `tokens/revoked-access`:";
            let what = "may not read column `at` of table `plain` (the condition; the plugin's own \
                        `access` does not name it)";
            assert!(text.contains(who) && text.contains(what), "{text}");
            assert!(
                text.contains("defect of the plugin") && !text.contains("besom.toml"),
                "{text}"
            );
        }
    }
}

#[tokio::test]
async fn a_cascade_that_a_bundled_plugin_does_not_know_is_allowed_by_the_lines_that_are_printed() {
    let schema = "CREATE TABLE plain (id bigint PRIMARY KEY, at bigint);
        CREATE TABLE own (id bigint PRIMARY KEY, at bigint,
                          plain bigint REFERENCES plain (id) ON DELETE CASCADE);";
    for lab in both(schema, schema).await {
        let said = "[plugins.lab.grant.plain]\nread = [\"at\"]\ndelete = true\n";
        let request = Request::delete("plain", {
            let column = "at".to_owned();
            Condition::IsNotNull { column }
        });
        let catalog = lab.catalog().await;
        let narrowed = "[plugins.lab.grant.own]\nmin-age = { column = \"at\", age = \"90d\" }\n";
        for file_says in ["", narrowed] {
            let (granted, subject) = bundled(said, file_says);

            let refused = authorize(request.clone(), &granted, &subject, &catalog, CUTOFF);

            let text = refused.unwrap_err().to_string();
            let what = "may not delete rows of table `own` (the ON DELETE rule of foreign key";
            assert!(text.contains(what) && !text.contains("defect"), "{text}");
            // The file's own words stay, and the plugin's need not be repeated.
            let (_, words) = text.split_once("write in besom.toml:\n").unwrap();
            let printed = file(&words.replace("plugins.tokens", "plugins.lab"));
            let mut wanted = file(file_says);
            wanted.tables.entry("own".to_owned()).or_default().delete = true;
            assert_eq!(printed, wanted, "{words}");
            let (granted, subject) = bundled(said, &words.replace("plugins.tokens", "plugins.lab"));
            authorize(request.clone(), &granted, &subject, &catalog, CUTOFF).unwrap();
        }
    }
}

#[tokio::test]
async fn refusals_of_one_plugin_take_one_block_a_table() {
    let own = |right, column: Option<&str>| Missing {
        table: "own".to_owned(),
        right,
        column: column.map(str::to_owned),
        because: "a rule".to_owned(),
        unsaid: false,
    };
    let refusal = |job: &str, missing| Refusal {
        subject: Subject {
            job: JobName::new("lab", job),
            bundled: true,
        },
        missing,
        given: file("[plugins.lab.grant.own]\nwhere = { kind = \"a\" }\n"),
    };
    let unsaid = Missing {
        unsaid: true,
        ..own(Right::AllRows, None)
    };
    let refusals = [
        refusal("one", vec![own(Right::Delete, None), unsaid]),
        refusal(
            "other",
            vec![own(Right::Update, Some("of")), own(Right::Delete, None)],
        ),
    ];

    let words = lines(&refusals);

    assert_eq!(
        words,
        "\n# in place of what stands there:\n[plugins.lab.grant.own]\nupdate = [\"of\"]\n\
         delete = true\nwhere = { kind = \"a\" }\n"
    );
    file(&words);
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
