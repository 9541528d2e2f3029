//! Authorization and device code grants.

use besom_plugin::prelude::*;
use besom_tokens::Tokens;

use super::{DAY, NOW, host, swept};

#[test]
fn grants_go_by_the_time_inside_their_key() {
    let cases = [
        (
            "authorization-grants",
            "oauth2_authorization_grants",
            "oauth2_authorization_grant_id",
        ),
        (
            "device-code-grants",
            "oauth2_device_code_grant",
            "oauth2_device_code_grant_id",
        ),
    ];
    for (job, name, id) in cases {
        let ran = host().run::<Tokens>(job);

        assert_eq!(
            swept(&ran),
            [delete(name).matching(column(id).id_older_than(NOW - 7 * DAY))]
        );
        assert_eq!(
            host().access::<Tokens>(job),
            Ok(vec![table(name).reads([id]).deletes()])
        );
    }
}
