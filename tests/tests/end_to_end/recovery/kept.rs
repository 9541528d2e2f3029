//! What goes along, and what stays and forgets.

use super::*;

#[tokio::test]
async fn a_recovery_session_takes_its_own_tickets_along_whatever_became_of_it() {
    for mut auth in both().await {
        let (old, consumed, new) = (
            key_of(&auth, "old", OLD),
            key_of(&auth, "consumed", OLD),
            key_of(&auth, "new", NOW - DAY),
        );
        recovery_session(&auth, "old", &old, None).await;
        recovery_session(&auth, "consumed", &consumed, Some(OLD)).await;
        recovery_session(&auth, "new", &new, Some(NOW - DAY)).await;
        ticket(&auth, "of-old", &old).await;
        ticket(&auth, "of-old-too", &old).await;
        ticket(&auth, "of-new", &new).await;

        let batch = auth.run("recovery-sessions", &[]).await;

        assert_eq!(auth.names("user_recovery_sessions").await, ["new"]);
        assert_eq!(auth.names("user_recovery_tickets").await, ["of-new"]);
        assert_eq!((batch.affected, batch.cascaded), (2, 2));
    }
}

#[tokio::test]
async fn a_registration_takes_the_proof_of_its_address_along_with_the_codes() {
    for mut auth in both().await {
        let (old, new) = (
            key_of(&auth, "old", OLD),
            key_of(&auth, "new", NOW - 20 * DAY),
        );
        registration(&auth, "old", &old, None).await;
        registration(&auth, "new", &new, None).await;
        for (name, of) in [("of-old", &old), ("of-new", &new)] {
            let key = key_of(&auth, name, NOW);
            authentication(&auth, name, &key, Some(of)).await;
            code(&auth, name, &key).await;
        }

        let batch = auth.run("registrations", &[]).await;

        assert_eq!(auth.names("user_registrations").await, ["new"]);
        assert_eq!(auth.names("user_email_authentications").await, ["of-new"]);
        let codes = auth.names("user_email_authentication_codes").await;
        assert_eq!(codes, ["of-new"]);
        assert_eq!((batch.affected, batch.cascaded), (1, 2));
    }
}

#[tokio::test]
async fn an_email_authentication_takes_its_codes_along_and_its_registration_forgets_it() {
    for mut auth in both().await {
        let (old, new) = (key_of(&auth, "old", OLD), key_of(&auth, "new", NOW - DAY));
        for (name, key) in [("old", &old), ("new", &new)] {
            authentication(&auth, name, key, None).await;
            code(&auth, &format!("of-{name}"), key).await;
            let registered = key_of(&auth, name, NOW);
            registration(&auth, name, &registered, Some(key)).await;
        }
        code(&auth, "of-old-too", &old).await;

        let batch = auth.run("email-authentications", &[]).await;

        assert_eq!(auth.names("user_email_authentications").await, ["new"]);
        assert_eq!(
            auth.names("user_email_authentication_codes").await,
            ["of-new"]
        );
        assert_eq!(auth.names("user_registrations").await, ["new", "old"]);
        assert_eq!(
            (batch.affected, batch.dependents, batch.cascaded),
            (1, 2, 1)
        );
    }
}

#[tokio::test]
async fn a_reset_that_still_works_stays() {
    for mut auth in both().await {
        reset(&auth, "live", NOW + HOUR, None).await;
        reset(&auth, "expired", NOW - HOUR, None).await;
        reset(&auth, "used", NOW + HOUR, Some(NOW - MINUTE)).await;
        reset(&auth, "both", NOW - HOUR, Some(NOW - 2 * HOUR)).await;

        let batch = auth.run("password-resets", &[]).await;

        assert_eq!(auth.names("password_resets").await, ["live"]);
        assert_eq!(batch.affected, 3);

        reset(&auth, "lately", NOW - HOUR, None).await;
        assert_eq!(
            auth.run("password-resets", &[("retention", "2h")])
                .await
                .affected,
            0
        );
    }
}

#[tokio::test]
async fn a_profile_does_not_touch_the_tables_of_the_other() {
    for mut auth in both().await {
        reset(&auth, "expired", NOW - HOUR, None).await;
        recovery_session(&auth, "old", &key_of(&auth, "old", OLD), None).await;

        auth.run("password-resets", &[("profile", "mas")]).await;
        auth.run("recovery-sessions", &[("profile", "refresh-tokens")])
            .await;

        assert_eq!(auth.names("password_resets").await, ["expired"]);
        assert_eq!(auth.names("user_recovery_sessions").await, ["old"]);
    }
}
