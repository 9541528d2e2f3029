//! The table of races for rows that the request takes along, or that hang on such rows.

use super::cell::{Asks, RULES, Role};
use super::one_row::both_came_first;

#[tokio::test(flavor = "multi_thread")]
async fn a_live_child_is_not_deleted_ahead_of_its_parent() {
    both_came_first(Role::DeleteFirst, Asks::NoLiveLeaf, &RULES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_of_any_state_goes_ahead_of_its_parent_and_is_counted() {
    both_came_first(Role::DeleteFirst, Asks::Nothing, &RULES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_child_is_not_unlinked_from_its_parent() {
    both_came_first(Role::UnlinkFirst, Asks::NoLiveLeaf, &RULES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_of_any_state_is_unlinked_and_counted() {
    both_came_first(Role::UnlinkFirst, Asks::Nothing, &RULES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_grandchild_holds_the_whole_family() {
    both_came_first(Role::Grandchild, Asks::NoLiveLeaf, &RULES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grandchild_of_any_state_goes_first_and_is_counted() {
    both_came_first(Role::Grandchild, Asks::Nothing, &RULES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_row_outside_the_request_holds_a_dependent_and_its_parent() {
    both_came_first(Role::BelowDependent, Asks::NoLiveLeaf, &RULES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_outside_the_request_goes_with_a_dependent_only_where_its_key_says_so() {
    both_came_first(Role::BelowDependent, Asks::Nothing, &RULES).await;
}
