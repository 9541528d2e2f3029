//! Which signing keys go: retired ones that no session refers to, of every tenant.

use super::*;

async fn signed_with(auth: &Auth, name: &str, tenant: &str, key: &str, absolute_expires_at: i64) {
    let session = Opaque {
        tenant,
        key,
        absolute_expires_at,
        ..Opaque::default()
    };
    auth.opaque_session(name, session).await;
}

#[tokio::test]
async fn an_active_key_never_goes_however_old_and_unused() {
    for mut auth in both().await {
        auth.signing_key("retired", "one", OLD).await;
        auth.signing_key("to retire", "one", Some(NOW + DAY)).await;

        let done = auth.run("signing-keys", &[]).await;

        // `key` is the active one that is there from the start.
        assert_eq!(
            auth.names("session_signing_keys").await,
            ["key", "to retire"]
        );
        assert_eq!((done.affected, done.blocked), (1, 0));
    }
}

#[tokio::test]
async fn where_the_schema_says_when_a_key_was_activated_one_that_was_again_is_active() {
    for mut auth in both().await {
        let time = match auth.dialect() {
            Dialect::Postgres => "timestamptz",
            Dialect::Sqlite => "INTEGER",
        };
        auth.lab
            .script(&format!(
                "ALTER TABLE session_signing_keys ADD COLUMN activated_at {time}"
            ))
            .await;
        let again = OLD.map(|at| at + 1);
        for (name, activated_at, retired_at) in [
            ("retired", Some(BORN), OLD),
            ("never active", None, OLD),
            ("planned", None, None),
            ("active again", again, OLD),
            ("no time", OLD, OLD),
        ] {
            auth.signing_key(name, "one", retired_at).await;
            let activated = auth.time(activated_at);
            auth.lab
                .script(&format!(
                    "UPDATE session_signing_keys SET activated_at = {activated} WHERE id = '{name}'"
                ))
                .await;
        }

        let activated = [("signing-keys-activated-at-column", "activated_at")];
        let done = auth.run("signing-keys", &activated).await;

        assert_eq!(
            auth.names("session_signing_keys").await,
            ["active again", "key", "planned"]
        );
        assert_eq!((done.affected, done.blocked), (3, 0));
    }
}

#[tokio::test]
async fn a_retired_key_goes_after_its_last_session_whatever_became_of_that_and_of_each_tenant() {
    for mut auth in both().await {
        for tenant in ["one", "two"] {
            for key in ["live", "over", "free"] {
                auth.signing_key(&format!("{tenant} {key}"), tenant, OLD)
                    .await;
            }
            let name = |key: &str| format!("{tenant} {key}");
            signed_with(&auth, &name("live"), tenant, &name("live"), NOW + DAY).await;
            signed_with(&auth, &name("over"), tenant, &name("over"), NOW - DAY).await;
        }

        let done = auth.run("signing-keys", &[]).await;

        assert_eq!(
            auth.names("session_signing_keys").await,
            ["key", "one live", "one over", "two live", "two over"]
        );
        assert_eq!((done.affected, done.blocked), (2, 0));

        assert_eq!(auth.run("expired", &[]).await.affected, 2);
        assert_eq!(auth.run("signing-keys", &[]).await.affected, 2);
        assert_eq!(
            auth.names("session_signing_keys").await,
            ["key", "one live", "two live"]
        );
    }
}

#[tokio::test]
async fn a_session_of_another_tenant_keeps_the_key_that_its_foreign_key_names() {
    for mut auth in both().await {
        auth.signing_key("borrowed", "one", OLD).await;
        auth.signing_key("free", "one", OLD).await;
        signed_with(&auth, "stranger", "two", "borrowed", NOW + DAY).await;

        // By tenant and id the session does not refer to the key; by the foreign key it does.
        let by_tenant = [("signing-keys-tenant-column", "tenant_id")];
        let done = auth.run("signing-keys", &by_tenant).await;

        assert_eq!(
            auth.names("session_signing_keys").await,
            ["borrowed", "key"]
        );
        assert_eq!((done.affected, done.blocked), (1, 1));
        let done = auth.run("signing-keys", &[]).await;
        assert_eq!((done.affected, done.blocked), (0, 0));
    }
}

/// Keys whose id is unique within its tenant only, and a foreign key that says so: two retired keys
/// of one id, and a session of the first one's tenant.
fn by_tenant(auth: &Auth) -> String {
    let time = match auth.dialect() {
        Dialect::Postgres => "timestamptz",
        Dialect::Sqlite => "INTEGER",
    };
    let (born, retired) = (auth.time(Some(BORN)), auth.time(OLD));
    format!(
        "CREATE TABLE tenant_keys (tenant text NOT NULL, id text NOT NULL, activated_at {time}, \
             retired_at {time}, PRIMARY KEY (tenant, id));
         CREATE TABLE tenant_sessions (id text NOT NULL PRIMARY KEY, tenant_id text NOT NULL, \
             signing_key_id text NOT NULL, FOREIGN KEY (tenant_id, signing_key_id) \
             REFERENCES tenant_keys (tenant, id) ON DELETE RESTRICT);
         INSERT INTO tenant_keys VALUES ('one', 'k', {born}, {retired}), ('two', 'k', {born}, {retired});
         INSERT INTO tenant_sessions VALUES ('s', 'one', 'k')"
    )
}

#[tokio::test]
async fn where_ids_are_unique_within_their_tenant_only_a_session_keeps_the_key_of_its_tenant() {
    for mut auth in both().await {
        auth.lab.script(&by_tenant(&auth)).await;

        let settings = [
            ("signing-keys-table", "tenant_keys"),
            ("sessions-table", "tenant_sessions"),
            ("signing-keys-tenant-column", "tenant"),
        ];
        let done = auth.run("signing-keys", &settings).await;

        assert_eq!((done.affected, done.blocked), (1, 0));
        let left = auth.texts("SELECT tenant FROM tenant_keys").await;
        assert_eq!(left, ["one"]);
    }
}
