//! Jobs that misbehave in `run`.

use super::*;

#[tokio::test]
async fn an_endless_loop_is_stopped() {
    let cause = stopped("spin").await;

    assert_eq!(
        cause,
        Cause::Spin {
            budget: Duration::from_secs(1)
        }
    );
    assert!(cause.to_string().contains("endless loop"), "{cause}");
    assert!(cause.is_misbehaviour());
}

#[tokio::test]
async fn an_endless_loop_after_many_calls_is_stopped() {
    assert!(matches!(
        stopped("spin-after-calls").await,
        Cause::Spin { .. }
    ));
}

#[tokio::test]
async fn an_endless_loop_lets_others_have_their_turn() {
    let plugin = hostile(Limits::default()).await;
    let others = async {
        let mut turns = 0;
        loop {
            tokio::time::sleep(Duration::from_millis(10)).await;
            turns += 1;
            if turns == 20 {
                return;
            }
        }
    };

    tokio::select! {
        biased;
        ended = run(&plugin, "spin", WALL) => panic!("ended before the others: {ended:?}"),
        () = others => {}
    }
}

#[tokio::test]
async fn two_hundred_calls_that_wait_are_not_a_spin() {
    let limits = Limits {
        spin: Duration::from_millis(200),
        ..Limits::default()
    };
    let plugin = hostile(limits).await;

    let began = std::time::Instant::now();

    run(&plugin, "wait", WALL).await.unwrap();

    assert!(began.elapsed() > Duration::from_secs(2), "it did not wait");
}

#[tokio::test]
async fn one_that_never_ends_is_stopped_at_the_deadline() {
    let wall = Duration::from_millis(100);

    let error = stopped_with(Limits::default(), "sleep", wall).await;

    assert_eq!(error.cause(), &Cause::Wall { limit: wall });
    assert!(
        error.to_string().starts_with("did not end within 100ms"),
        "{error}"
    );
    assert!(!error.cause().is_misbehaviour());
}

#[tokio::test]
async fn memory_growth_is_stopped() {
    let cause = stopped("memory").await;

    assert!(
        matches!(
            cause,
            Cause::Memory {
                limit: 134_217_728,
                ..
            }
        ),
        "{cause}"
    );
}

#[tokio::test]
async fn ten_thousand_handles_are_stopped() {
    assert_eq!(stopped("handles").await, Cause::Handles { limit: 256 });
}

#[tokio::test]
async fn a_string_of_256_mib_is_stopped() {
    assert!(matches!(stopped("huge-string").await, Cause::Memory { .. }));
}

#[tokio::test]
async fn a_string_that_memory_holds_and_a_call_does_not_is_stopped() {
    assert_eq!(
        stopped("large-string").await,
        Cause::TooLarge { limit: 8 << 20 }
    );
}

#[tokio::test]
async fn a_flood_of_calls_is_stopped() {
    let limits = Limits {
        host_calls: 50_000,
        ..Limits::default()
    };

    let error = stopped_with(limits, "call-flood", WALL).await;

    assert_eq!(error.cause(), &Cause::HostCalls { limit: 50_000 });
}

#[tokio::test]
async fn a_panic_is_told_with_its_message_and_its_frames() {
    let error = stopped_with(Limits::default(), "panic", WALL).await;

    let text = error.to_string();
    assert!(text.starts_with("trapped: "), "{text}");
    assert!(text.contains("the cupboard is bare"), "{text}");
    let frames = error.backtrace().unwrap();
    assert!(frames.contains("besom_hostile"), "{frames}");
    assert!(frames.contains("panic"), "{frames}");
    assert!(!frames.contains("_ZN"), "names are demangled: {frames}");
    assert!(!frames.contains("_R"), "names are demangled: {frames}");
}

#[tokio::test]
async fn recursion_without_end_is_stopped() {
    assert!(matches!(stopped("recursion").await, Cause::Trap { .. }));
}

#[tokio::test]
async fn an_exit_ends_the_call_and_not_the_host() {
    assert!(matches!(stopped("exit").await, Cause::Exited { .. }));
}

#[tokio::test]
async fn a_handle_used_after_its_end_is_refused() {
    assert!(matches!(stopped("used-after-drop").await, Cause::Broken(_)));
}

#[tokio::test]
async fn a_setting_that_is_not_declared_is_refused_with_those_that_are() {
    let cause = stopped("undeclared-setting").await;

    let declared = vec!["table".to_owned()];
    assert_eq!(
        cause,
        Cause::UndeclaredSetting {
            name: "retention".into(),
            declared
        }
    );
}

#[tokio::test]
async fn what_the_plugin_says_is_told_escaped() {
    assert_eq!(told("fail").await, "no luck today \\u{1b}[31m");
}

#[tokio::test]
async fn a_condition_that_nests_too_deep_is_exhausted() {
    let text = told("deep-condition").await;

    assert!(text.starts_with("exhausted condition-depth"), "{text}");
}

#[tokio::test]
async fn a_condition_of_a_hundred_thousand_terms_is_exhausted() {
    for job in ["wide-condition", "wide-values"] {
        let text = told(job).await;

        assert!(
            text.starts_with("exhausted condition-terms"),
            "{job}: {text}"
        );
    }
}

#[tokio::test]
async fn a_condition_of_many_mebibytes_is_exhausted() {
    let text = told("large-condition").await;

    assert!(text.starts_with("exhausted condition-bytes"), "{text}");
}

#[tokio::test]
async fn every_row_is_not_said_by_an_empty_list() {
    let text = told("empty-condition").await;

    assert!(text.starts_with("invalid empty-condition"), "{text}");
}

#[tokio::test]
async fn an_order_named_after_the_first_step_is_too_late() {
    let text = told("too-late").await;

    assert!(text.starts_with("invalid too-late"), "{text}");
}

#[tokio::test]
async fn a_sweep_never_advanced_does_nothing() {
    let plugin = hostile(Limits::default()).await;

    run(&plugin, "never-advanced", WALL).await.unwrap();
}

#[tokio::test]
async fn nothing_of_the_machine_shows_through() {
    let first = told("ambient").await;
    let second = told("ambient").await;

    let expected = "wall 1767323045000000, moved false, environment 0, arguments 0, \
                    file false, folder false, written false, socket false, lookup false, ";
    assert!(first.starts_with(expected), "{first}");
    assert_eq!(first, second, "randomness is the same in every run");
}

#[tokio::test]
async fn a_job_that_does_not_exist_is_refused_with_those_that_do() {
    let plugin = hostile(Limits::default()).await;

    let error = run(&plugin, "goood", WALL).await.unwrap_err();

    assert!(
        error
            .to_string()
            .starts_with("has no job `goood`; it has `good`"),
        "{error}"
    );
}
