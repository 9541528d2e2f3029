//! A grant that the operator narrows: rows outside it stay, though the job's own condition holds.

use super::*;

use besom::runner::RunnerError;

/// Three access tokens that were revoked long enough ago, by the age of the row itself.
async fn revoked_tokens(auth: &Auth, now: i64) {
    for (name, age) in [
        ("old", 40 * DAY),
        ("young", DAY),
        ("at the floor", 30 * DAY - HOUR),
    ] {
        auth.access_token(name, None, Some(now - 2 * HOUR)).await;
        let born = auth.time(Some(now - age));
        auth.lab
            .script(&format!(
                "UPDATE oauth2_access_tokens SET created_at = {born} WHERE access_token = '{name}'"
            ))
            .await;
    }
}

/// The runs of all jobs under a configuration, a dry run first, whose numbers are the same.
async fn narrowed(auth: &Auth, configuration: &str) -> Vec<RunReport> {
    let host = auth.host(configuration).await;
    let told = besom_run(&host, Mode::DryRun).await;
    let done = besom_run(&host, Mode::Apply).await;
    for (told, done) in told.iter().zip(&done) {
        assert_eq!((&done.error, done.outcome.as_str()), (&None, "drained"));
        assert_eq!(told.totals, done.totals, "{}", done.job);
    }
    done
}

fn batch(reports: &[RunReport], job: &str) -> Batch {
    reports
        .iter()
        .find(|report| report.job.job == job)
        .unwrap()
        .totals
}

async fn now(auth: &Auth) -> i64 {
    auth.lab.database.now().await.unwrap().0
}

#[tokio::test]
async fn rows_younger_than_the_floor_stay() {
    for auth in both().await {
        revoked_tokens(&auth, now(&auth).await).await;

        let done = narrowed(
            &auth,
            "[plugins.tokens.grant.oauth2_access_tokens]\n\
             min-age = { column = \"created_at\", age = \"30d\" }\n",
        )
        .await;

        assert_eq!(
            auth.names("oauth2_access_tokens").await,
            ["at the floor", "young"]
        );
        assert_eq!(batch(&done, "revoked-access").affected, 1);
    }
}

#[tokio::test]
async fn a_floor_holds_under_the_tables_full_name_too() {
    for auth in both().await {
        revoked_tokens(&auth, now(&auth).await).await;
        let schema = match auth.dialect() {
            Dialect::Postgres => "public",
            Dialect::Sqlite => "main",
        };

        narrowed(
            &auth,
            &format!(
                "[plugins.tokens.grant.\"{schema}.oauth2_access_tokens\"]\n\
                 min-age = {{ column = \"created_at\", age = \"30d\" }}\n"
            ),
        )
        .await;

        assert_eq!(
            auth.names("oauth2_access_tokens").await,
            ["at the floor", "young"]
        );
    }
}

#[tokio::test]
async fn a_floor_on_a_table_that_is_not_there_stops_every_job() {
    for auth in both().await {
        revoked_tokens(&auth, now(&auth).await).await;
        let host = auth
            .host(
                "[plugins.tokens.grant.oauth2_access_token]\n\
                 min-age = { column = \"created_at\", age = \"30d\" }\n",
            )
            .await;

        let job = JobName::new("tokens", "revoked-access");
        let ran = run::run_all(&host, &[job], &options(Mode::Apply), &terminal()).await;

        let refused = ran.unwrap().not_run[0].refusal().unwrap().to_string();
        assert!(
            refused.contains("plugins.tokens.grant") && refused.contains("`oauth2_access_tokens`"),
            "{refused}"
        );
        assert_eq!(auth.names("oauth2_access_tokens").await.len(), 3);
    }
}

#[tokio::test]
async fn a_floor_on_a_column_that_is_not_there_stops_the_job() {
    for auth in both().await {
        revoked_tokens(&auth, now(&auth).await).await;
        let host = auth
            .host(
                "[plugins.tokens.grant.oauth2_access_tokens]\n\
                 min-age = { column = \"created\", age = \"30d\" }\n",
            )
            .await;

        let job = [JobName::new("tokens", "revoked-access")];
        let ran = run::run_all(&host, &job, &options(Mode::Apply), &terminal()).await;

        let ran = ran.unwrap();
        assert_eq!(ran.exit(), Exit::Failed);
        let error = ran.not_run[0].refusal().unwrap().to_string();
        assert!(error.contains("has no column `created`"), "{error}");
        assert_eq!(auth.names("oauth2_access_tokens").await.len(), 3);
    }
}

#[tokio::test]
async fn two_floors_on_one_table_under_two_names_are_refused() {
    let auth = Auth::on(Lab::postgres("").await).await;
    let host = auth
        .host(
            "[plugins.tokens.grant.oauth2_access_tokens]\n\
             min-age = { column = \"created_at\", age = \"30d\" }\n\
             [plugins.tokens.grant.\"public.oauth2_access_tokens\"]\n\
             min-age = { column = \"created_at\", age = \"1d\" }\n",
        )
        .await;
    let catalog = host.catalog().await.unwrap();

    let job = JobName::new("tokens", "revoked-access");
    let refused = host.prepare(&job, &[], &catalog).await.err().unwrap();

    let RunnerError::Grant { why, .. } = &refused else {
        panic!("{refused}");
    };
    assert!(why.contains("the same table as"), "{refused}");
}

#[tokio::test]
async fn only_rows_of_the_operators_choice_go() {
    for auth in both().await {
        let now = now(&auth).await;
        auth.rotating_token("ours", "family one", true, now + DAY)
            .await;
        auth.rotating_token("ours: good", "family one", false, now + DAY)
            .await;
        auth.rotating_token("theirs", "family two", true, now + DAY)
            .await;
        auth.rotating_token("theirs: old", "family two", false, now - DAY)
            .await;
        let family: String = "family one\0\0\0\0\0\0"
            .bytes()
            .map(|b| format!("{b:02x}"))
            .collect();

        let done = narrowed(
            &auth,
            &format!(
                "[plugins.tokens.grant.refresh_tokens]\nwhere = {{ family_id = \"{family}\" }}\n"
            ),
        )
        .await;

        let left = auth.names("refresh_tokens").await;
        assert_eq!(left, ["ours: good", "theirs", "theirs: old"]);
        assert_eq!(batch(&done, "refresh-tokens").affected, 1);
    }
}

#[tokio::test]
async fn a_narrowed_table_still_counts_when_it_protects_another() {
    for auth in both().await {
        let now = now(&auth).await;
        auth.access_token("protected", Some(now - 60 * DAY), None)
            .await;
        let token = Refresh {
            access: Some("protected"),
            ..Refresh::default()
        };
        auth.refresh_token("live", token).await;

        // Inside a relation the narrowing would hide the live token, and free its access token.
        let done = narrowed(
            &auth,
            "[plugins.tokens.grant.oauth2_refresh_tokens]\n\
             min-age = { column = \"created_at\", age = \"36500d\" }\n",
        )
        .await;

        assert_eq!(auth.names("oauth2_access_tokens").await, ["protected"]);
        assert_eq!(batch(&done, "expired-access").blocked, 0);
    }
}

#[tokio::test]
async fn a_row_that_would_be_changed_and_is_too_young_keeps_its_parent() {
    for auth in both().await {
        let now = now(&auth).await;
        for (name, born) in [("young", now - DAY), ("old", now - 60 * DAY)] {
            auth.access_token(name, None, Some(now - 2 * HOUR)).await;
            let token = Refresh {
                access: Some(name),
                ..Refresh::default()
            };
            auth.refresh_token(name, token).await;
            let born = auth.time(Some(born));
            auth.lab
                .script(&format!(
                    "UPDATE oauth2_refresh_tokens SET created_at = {born} WHERE refresh_token = '{name}'"
                ))
                .await;
        }

        let done = narrowed(
            &auth,
            "[plugins.tokens.grant.oauth2_refresh_tokens]\n\
             min-age = { column = \"created_at\", age = \"30d\" }\n",
        )
        .await;

        assert_eq!(auth.names("oauth2_access_tokens").await, ["young"]);
        let totals = batch(&done, "revoked-access");
        assert_eq!(
            (totals.affected, totals.cascaded, totals.blocked),
            (1, 1, 1)
        );
        let refers =
            "SELECT count(*) FROM oauth2_refresh_tokens WHERE oauth2_access_token_id IS NOT NULL";
        assert_eq!(auth.lab.count(refers).await, 1);
    }
}

#[tokio::test]
async fn a_floor_on_the_time_inside_the_key_holds() {
    for auth in both().await {
        let now = now(&auth).await;
        for (name, age) in [("a week", 8 * DAY), ("a month", 31 * DAY)] {
            let key = auth.ulid((now - age) / 1000, [7; 10]);
            // The column says that both are ancient.
            auth.authorization_grant(name, &key, now - 300 * DAY).await;
        }

        narrowed(
            &auth,
            "[plugins.tokens.grant.oauth2_authorization_grants]\n\
             min-age = { column = \"oauth2_authorization_grant_id\", age = \"30d\" }\n",
        )
        .await;

        assert_eq!(auth.names("oauth2_authorization_grants").await, ["a week"]);
    }
}
