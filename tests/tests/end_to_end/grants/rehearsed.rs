//! What the grant does not cover is not looked at either, to find out what else a job would ask for.

use std::sync::Arc;
use std::time::Duration;

use besom::request::Step;
use besom::sweep::{RunContext, Sweep};

use super::*;
use crate::cli::Desk;

#[tokio::test]
async fn a_rehearsal_hears_everything_at_once_and_plans_nothing_of_what_is_refused() {
    let family = "CREATE TABLE parent (id bigint PRIMARY KEY, kind bigint);
        CREATE TABLE child (id bigint PRIMARY KEY, at text, parent bigint REFERENCES parent (id) ON DELETE CASCADE);
        INSERT INTO parent VALUES (1, 1);
        INSERT INTO child VALUES (1, '2020-01-01T00:00:00Z', 1), (2, '1577836800', 1);";
    for lab in both(family, family).await {
        let catalog = lab.catalog().await;
        // The child's times could not be told, if anybody looked.
        let file = file(
            "[plugins.lab.grant.parent]\nread = [\"kind\"]\ndelete = true\n\
             [plugins.lab.grant.child]\nmin-age = { column = \"at\", age = \"90d\" }\n",
        );
        let granted = Granted {
            whole: file.clone(),
            access: besom_tests::lab::everything(&catalog),
            file,
        };
        let context = RunContext::rehearsal(
            lab.database.clone(),
            Arc::clone(&catalog),
            Arc::new(granted),
            Subject {
                job: besom_tests::lab::job(),
                bundled: false,
            },
            CUTOFF,
            lab.options.clone(),
        );
        let is_set = |column: &str| Condition::IsNotNull {
            column: column.to_owned(),
        };

        for request in [
            Request::delete("parent", is_set("kind")),
            Request::delete("child", is_set("at")),
        ] {
            let sweep = Sweep::open(&context, request).await.unwrap();
            assert!(matches!(sweep.next().await.unwrap(), Step::Drained));
        }

        let progress = context.settle().await;
        assert!(progress.drained.is_empty() && progress.looked.is_empty());
        let missing: Vec<_> = progress
            .refused
            .iter()
            .map(|(_, fault)| match fault {
                Fault::Denied(denied) => &denied.missing,
                other => panic!("{other}"),
            })
            .flatten()
            .map(|need| (need.right, need.column.as_deref()))
            .collect();
        let (delete, read) = ((Right::Delete, None), (Right::Read, Some("at")));
        assert_eq!(missing, [delete, read, delete]);
    }
}

#[tokio::test]
async fn a_table_for_which_nobody_gave_a_right_is_not_read_before_the_refusal() {
    let file = "[plugins.queue]\n\
                [plugins.queue.grant.grown]\nmin-age = { column = \"id\", age = \"1d\" }\n";
    let desk = Desk::with_file(besom_tests::postgres().await, file);
    desk.script(&besom_tests::schemas::ddl("mas")).await;
    desk.script(
        "CREATE TABLE grown (id uuid PRIMARY KEY, job uuid REFERENCES queue_jobs (queue_job_id) ON DELETE CASCADE);
         CREATE INDEX grown_job ON grown (job);
         INSERT INTO grown VALUES (gen_random_uuid(), NULL);",
    )
    .await;
    desk.says(&["migrate"]);
    // Statistics of what a server has done are told a moment later.
    let reads = "SELECT seq_scan + idx_scan FROM pg_stat_user_tables WHERE relname = 'grown'";
    let moment = || tokio::time::sleep(Duration::from_secs(2));
    moment().await;
    let before = desk.count(reads).await;

    let said = desk.run(&["explain", "queue/finished"]);

    let told = format!("{}{}", said.stdout, said.stderr);
    assert!(
        told.contains("may not delete rows of table `grown`"),
        "{told}"
    );
    moment().await;
    assert_eq!(desk.count(reads).await, before);
}
