//! A client that lost the answer to its refresh asks again with the token that it has used up. The
//! server issues new tokens once more if nobody has used those that it issued before, and refuses
//! what looks like theft. Cleaning up must not change its answer.

use super::*;

const OLD: Option<i64> = Some(NOW - 60 * DAY);

/// Refresh tokens that a client may come back with.
const PRESENTED: [&str; 4] = ["lost", "stolen", "moved on", "revoked"];

/// One chain a token of [`PRESENTED`], each exchanged long ago, with every access token expired.
async fn chains(auth: &Auth) {
    for name in PRESENTED {
        let (access, successor) = (format!("{name} access"), format!("{name} next"));
        auth.access_token(&format!("{name} first"), OLD, None).await;
        auth.access_token(&access, OLD, None).await;
        // "moved on" has used its successor for the next but one, and "revoked" has logged out.
        let third = format!("{name} third");
        if name == "moved on" {
            auth.access_token(&format!("{third} a"), OLD, None).await;
            let newest = Refresh {
                access: Some(&format!("{third} a")),
                ..Refresh::default()
            };
            auth.refresh_token(&third, newest).await;
        }
        let next = Refresh {
            access: Some(&access),
            consumed_at: OLD.filter(|_| name == "moved on"),
            revoked_at: OLD.filter(|_| name == "revoked"),
            next: Some(third.as_str()).filter(|_| name == "moved on"),
        };
        auth.refresh_token(&successor, next).await;
        let used_up = Refresh {
            access: Some(&format!("{name} first")),
            consumed_at: OLD,
            next: Some(&successor),
            ..Refresh::default()
        };
        auth.refresh_token(name, used_up).await;
    }
    // Whoever holds the tokens that were issued to "stolen" has used them.
    let used = format!(
        "UPDATE oauth2_access_tokens SET first_used_at = {} WHERE access_token = 'stolen access'",
        auth.time(OLD)
    );
    auth.lab.script(&used).await;
}

/// What the server says to each of [`PRESENTED`], as it would find out: by way of the successor to
/// the access token that came with it. A token that is gone is refused, as is one whose successor
/// was used or revoked. Whether the access token was used, only its row can tell.
async fn answers(auth: &Auth) -> Vec<String> {
    let mut answers = Vec::new();
    for name in PRESENTED {
        let found = auth
            .texts(&format!(
                "SELECT CASE WHEN next.consumed_at IS NOT NULL OR next.revoked_at IS NOT NULL THEN 'no' \
                        WHEN access.oauth2_access_token_id IS NULL THEN 'cannot tell' \
                        WHEN access.first_used_at IS NOT NULL THEN 'no' ELSE 'yes' END \
                 FROM oauth2_refresh_tokens AS presented \
                 JOIN oauth2_refresh_tokens AS next \
                     ON next.oauth2_refresh_token_id = presented.next_oauth2_refresh_token_id \
                 LEFT JOIN oauth2_access_tokens AS access \
                     ON access.oauth2_access_token_id = next.oauth2_access_token_id \
                 WHERE presented.refresh_token = '{name}' AND presented.revoked_at IS NULL"
            ))
            .await;
        let answer = found.first().map_or("no", String::as_str);
        answers.push(format!("{name}: {answer}"));
    }
    answers
}

/// Every job that cleans these tables, twice: the second time finds what the first one freed.
async fn clean(auth: &mut Auth, set: &[(&str, &str)]) {
    for job in [
        "revoked-access",
        "expired-access",
        "revoked-refresh",
        "consumed-refresh",
    ]
    .repeat(2)
    {
        auth.run(job, set).await;
    }
}

const RIGHT: [&str; 4] = ["lost: yes", "stolen: no", "moved on: no", "revoked: no"];

#[tokio::test]
async fn whether_a_client_may_refresh_once_more_has_the_same_answer_after_cleaning_up() {
    for mut auth in both().await {
        chains(&auth).await;
        assert_eq!(answers(&auth).await, RIGHT);

        clean(&mut auth, &[]).await;

        assert_eq!(answers(&auth).await, RIGHT);
        // Only what the answers need is there, and the newest of the client that moved on.
        assert_eq!(
            auth.names("oauth2_access_tokens").await,
            ["lost access", "moved on third a", "stolen access"]
        );
        assert_eq!(
            auth.names("oauth2_refresh_tokens").await,
            [
                "lost",
                "lost next",
                "moved on next",
                "moved on third",
                "stolen",
                "stolen next"
            ]
        );
    }
}

#[tokio::test]
async fn without_protect_refresh_the_server_cannot_tell_a_retry_from_a_theft() {
    for mut auth in both().await {
        chains(&auth).await;
        assert_eq!(answers(&auth).await, RIGHT);

        clean(&mut auth, &[("protect-refresh", "false")]).await;

        assert_eq!(
            answers(&auth).await,
            [
                "lost: cannot tell",
                "stolen: cannot tell",
                "moved on: no",
                "revoked: no"
            ]
        );
        assert!(auth.names("oauth2_access_tokens").await.is_empty());
    }
}
