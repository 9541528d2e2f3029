//! Every right, one test each: what a request does, and which right it needs for that.

use super::*;

#[tokio::test]
async fn reading_a_column_in_a_condition() {
    let column = |name: &str| name.to_owned();
    let leaves = [
        (older("at"), "at", 2),
        (
            Condition::IdOlderThan {
                column: column("id"),
                cutoff: CUTOFF,
            },
            "id",
            2,
        ),
        (
            Condition::IsNotNull {
                column: column("until"),
            },
            "until",
            2,
        ),
        (
            Condition::Not(Box::new(Condition::IsNull {
                column: column("until"),
            })),
            "until",
            2,
        ),
        (
            Condition::Compare {
                column: column("kind"),
                operator: Comparison::NotEqual,
                to: Value::Text(column("b")),
            },
            "kind",
            2,
        ),
        (
            Condition::OneOf {
                column: column("kind"),
                values: vec![Value::Text(column("a"))],
            },
            "kind",
            2,
        ),
        (
            Condition::StartsWith {
                column: column("kind"),
                prefix: column("a"),
            },
            "kind",
            2,
        ),
    ];
    for (leaf, column, affected) in leaves {
        let request = Request::delete("plain", leaf);
        refused(
            &request,
            DELETE_PLAIN,
            &[("read", "plain", column)],
            affected,
        )
        .await;
    }
}

#[tokio::test]
async fn reading_both_columns_of_a_comparison() {
    let compare = Condition::CompareColumns {
        column: "at".to_owned(),
        operator: Comparison::Less,
        to: "until".to_owned(),
    };
    let missing = [("read", "plain", "at"), ("read", "plain", "until")];
    refused(
        &Request::delete("plain", compare),
        DELETE_PLAIN,
        &missing,
        2,
    )
    .await;
}

#[tokio::test]
async fn reading_a_column_deep_in_a_condition() {
    let deep = Condition::All(vec![Condition::Any(vec![
        Condition::Not(Box::new(Condition::IsNull {
            column: "until".to_owned(),
        })),
        older("at"),
    ])]);
    let given = "[plugins.lab.grant.plain]\nread = [\"at\"]\ndelete = true\n";
    refused(
        &Request::delete("plain", deep),
        given,
        &[("read", "plain", "until")],
        2,
    )
    .await;
}

#[tokio::test]
async fn reading_the_rows_own_side_of_a_join() {
    let request = Request::delete("plain", not_exists("label", "kind", "kind", None));
    let given =
        "[plugins.lab.grant.plain]\ndelete = true\n[plugins.lab.grant.label]\nread = [\"kind\"]\n";
    refused(&request, given, &[("read", "plain", "kind")], 2).await;
}

#[tokio::test]
async fn reading_the_other_side_of_a_join() {
    let request = Request::delete("plain", not_exists("label", "kind", "kind", None));
    let given = "[plugins.lab.grant.plain]\nread = [\"kind\"]\ndelete = true\n";
    refused(&request, given, &[("read", "label", "kind")], 2).await;
}

#[tokio::test]
async fn reading_inside_a_relation() {
    let request = Request::delete(
        "plain",
        not_exists("label", "kind", "kind", Some(older("at"))),
    );
    let given = "[plugins.lab.grant.plain]\nread = [\"at\", \"kind\"]\ndelete = true\n\
                 [plugins.lab.grant.label]\nread = [\"kind\"]\n";
    refused(&request, given, &[("read", "label", "at")], 2).await;
}

#[tokio::test]
async fn reading_inside_a_relation_of_a_relation() {
    let inner = not_exists(
        "note",
        "item_id",
        "of",
        Some(Condition::IsNotNull {
            column: "id".to_owned(),
        }),
    );
    let request = Request::delete("plain", not_exists("label", "kind", "kind", Some(inner)));
    let given = "[plugins.lab.grant.plain]\nread = [\"kind\"]\ndelete = true\n\
                 [plugins.lab.grant.label]\nread = [\"kind\"]\n";
    let missing = [
        ("read", "label", "of"),
        ("read", "note", "id"),
        ("read", "note", "item_id"),
    ];
    refused(&request, given, &missing, 2).await;
}

#[tokio::test]
async fn reading_every_row_of_a_related_table_needs_no_all_rows() {
    let related = not_exists("label", "kind", "kind", Some(Condition::Everything));
    let given = "[plugins.lab.grant.plain]\nread = [\"kind\"]\ndelete = true\n";
    refused(
        &Request::delete("plain", related),
        given,
        &[("read", "label", "kind")],
        2,
    )
    .await;
}

#[tokio::test]
async fn reading_the_column_of_an_order() {
    let request = Request::delete("plain", older("at")).order_by("kind");
    let given = "[plugins.lab.grant.plain]\nread = [\"at\"]\ndelete = true\n";
    refused(&request, given, &[("read", "plain", "kind")], 2).await;
}

#[tokio::test]
async fn reading_the_columns_of_beyond_newest() {
    let beyond = Condition::BeyondNewest {
        group_by: vec!["kind".to_owned()],
        order_by: "at".to_owned(),
        keep: 1,
    };
    let missing = [("read", "plain", "kind"), ("read", "plain", "at")];
    refused(&Request::delete("plain", beyond), DELETE_PLAIN, &missing, 1).await;
}

#[tokio::test]
async fn deleting() {
    let given = "[plugins.lab.grant.plain]\nread = [\"at\"]\nupdate = [\"at\", \"kind\"]\nall-rows = true\n";
    refused(
        &Request::delete("plain", older("at")),
        given,
        &[("delete", "plain", "")],
        2,
    )
    .await;
}

#[tokio::test]
async fn a_table_of_which_the_file_says_nothing() {
    let missing = [("delete", "plain", ""), ("read", "plain", "at")];
    refused(&Request::delete("plain", older("at")), "", &missing, 2).await;
}

#[tokio::test]
async fn asking_for_every_row() {
    for everything in [
        Condition::Everything,
        Condition::Any(vec![older("at"), Condition::Everything]),
        Condition::Not(Box::new(Condition::Not(Box::new(Condition::Everything)))),
    ] {
        let given = "[plugins.lab.grant.plain]\nread = [\"at\"]\ndelete = true\n";
        let request = Request::delete("plain", everything);
        refused(&request, given, &[("all-rows", "plain", "")], 2).await;
    }
}

#[tokio::test]
async fn what_a_set_null_changes() {
    let given = "[plugins.lab.grant.owner]\nread = [\"at\"]\ndelete = true\n\
                 [plugins.lab.grant.owned]\nread = [\"owner_id\"]\nupdate = [\"id\"]\ndelete = true\n";
    let request = Request::delete("owner", older("at"));
    refused(&request, given, &[("update", "owned", "owner_id")], 1).await;
}

const DELETE_ITEM: &str = "[plugins.lab.grant.item]\nread = [\"at\"]\ndelete = true\n";

#[tokio::test]
async fn what_a_cascade_deletes_and_what_hangs_on_that() {
    let missing = [
        ("delete", "part", ""),
        ("delete", "crumb", ""),
        ("update", "mark", "part_id"),
    ];
    refused(
        &Request::delete("item", older("at")),
        DELETE_ITEM,
        &missing,
        1,
    )
    .await;
}

#[tokio::test]
async fn what_a_cascade_deletes_two_levels_down() {
    let given = format!(
        "{DELETE_ITEM}[plugins.lab.grant.part]\ndelete = true\n\
         [plugins.lab.grant.mark]\nupdate = [\"part_id\"]\n"
    );
    let request = Request::delete("item", older("at"));
    refused(&request, &given, &[("delete", "crumb", "")], 1).await;
}

#[tokio::test]
async fn what_a_set_null_changes_below_a_cascade() {
    let given = format!(
        "{DELETE_ITEM}[plugins.lab.grant.part]\ndelete = true\n[plugins.lab.grant.crumb]\ndelete = true\n"
    );
    let request = Request::delete("item", older("at"));
    refused(&request, &given, &[("update", "mark", "part_id")], 1).await;
}
