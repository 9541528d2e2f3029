//! The table of races for children that the request does not take along.

use super::cell::{Asks, RULES, Role};
use super::one_row::both_came_first;

#[tokio::test(flavor = "multi_thread")]
async fn a_live_child_holds_its_parent() {
    both_came_first(Role::Outside, Asks::NoLiveLeaf, &RULES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_child_holds_its_parent() {
    both_came_first(Role::Outside, Asks::NoLeaf, &RULES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_the_request_does_not_speak_of_is_counted_where_it_goes() {
    both_came_first(Role::Outside, Asks::Nothing, &RULES).await;
}
