//! What holds of every job: profiles, names, faults, and what the README says.

use besom_plugin::prelude::*;
use besom_tokens::Tokens;

use super::{host, swept};

#[test]
fn a_job_of_another_profile_touches_nothing_and_says_so() {
    let cases = [
        ("refresh-tokens", "revoked-access"),
        ("mas", "refresh-tokens"),
    ];
    for (profile, job) in cases {
        let host = host().set("profile", profile);

        let ran = host.run::<Tokens>(job);

        assert_eq!(swept(&ran), []);
        assert_eq!(host.access::<Tokens>(job), Ok(Vec::new()));
        assert_eq!(ran.logs[0].level, Level::Debug);
        assert_eq!(ran.logs[0].message, "not a job of the profile in force");
    }
}

#[test]
fn a_job_of_the_profile_in_force_runs() {
    let cases = [
        ("refresh-tokens", "refresh-tokens"),
        ("mas", "revoked-access"),
    ];
    for (profile, job) in cases {
        let ran = host().set("profile", profile).run::<Tokens>(job);

        assert!(!swept(&ran).is_empty());
    }
}

#[test]
fn every_table_and_column_can_be_named_otherwise() {
    let manifest = Tokens::describe();
    let mut renamed = host().set("family-column", "my_family");
    for setting in &manifest.settings {
        if let (Kind::Table | Kind::Column, Some(default)) = (&setting.kind, &setting.default) {
            renamed = renamed.set(&setting.name, format!("my_{default}"));
        }
    }

    for job in &manifest.jobs {
        let access = renamed.access::<Tokens>(&job.name);

        for entry in access.iter().flatten() {
            let names = [&entry.table]
                .into_iter()
                .chain(&entry.read)
                .chain(&entry.update);
            for name in names {
                assert!(
                    name.starts_with("my_"),
                    "{}: {name} has no setting",
                    job.name
                );
            }
        }
        assert_eq!(renamed.run::<Tokens>(&job.name).result, Ok(()));
    }
}

#[test]
fn a_suspended_sweep_ends_the_job_before_its_next_sweep() {
    let ran = host()
        .answer(
            "compat_refresh_tokens",
            [Ok(Step::Suspended("deadline".to_owned()))],
        )
        .run::<Tokens>("compat-tokens");

    let tables: Vec<_> = ran
        .sweeps()
        .iter()
        .map(|sweep| sweep.table().to_owned())
        .collect();
    assert_eq!(tables, ["compat_refresh_tokens"]);
    assert_eq!(ran.result, Ok(()));
}

#[test]
fn a_failed_batch_fails_the_job_with_the_hosts_own_words() {
    let broken = Error::Database(Problem {
        code: "53100".to_owned(),
        message: "disk full".to_owned(),
    });
    let ten = Batch {
        affected: 10,
        ..Batch::default()
    };

    let ran = host()
        .answer(
            "oauth2_access_tokens",
            [Ok(Step::Batch(ten)), Err(broken.clone())],
        )
        .run::<Tokens>("revoked-access");

    assert_eq!(ran.result, Err(broken));
    assert_eq!(ran.opened[0].steps, 2);
}

#[test]
fn an_unknown_job_is_named() {
    let ran = host().run::<Tokens>("revoked-acess");

    assert_eq!(
        ran.result.map_err(|error| error.to_string()),
        Err("invalid: this plugin has no job `revoked-acess`".to_owned())
    );
}

#[test]
fn schedules_retentions_and_order_are_those_of_the_readme() {
    let readme = include_str!("../../README.md");
    let rows: Vec<&str> = readme
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();

    for job in Tokens::describe().jobs {
        let row = rows
            .iter()
            .find(|row| row.starts_with(&format!("| `{}` |", job.name)));
        let row = row.unwrap_or_else(|| panic!("the README has no row for {}", job.name));
        let retention = &job.defaults[0].1;
        let schedule = job.schedule.unwrap_or_default();
        assert!(row.contains(&format!("| {retention} |")), "{row}");
        assert!(row.contains(&format!("`{schedule}`")), "{row}");
    }
    for setting in Tokens::describe().settings {
        assert!(
            readme.contains(&format!("`{}`", setting.name)),
            "README: {}",
            setting.name
        );
    }
}
