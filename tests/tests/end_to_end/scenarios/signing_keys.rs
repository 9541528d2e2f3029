//! Signing keys of two tenants from their making to the day on which nothing needs them any more.

use super::*;

const TENANTS: [&str; 2] = ["acme", "globex"];

/// The session jobs that can end a key's last session, and the keys' own.
const JOBS: [&str; 5] = [
    "sessions/pre-login",
    "sessions/expired",
    "sessions/idle",
    "sessions/revoked",
    "sessions/signing-keys",
];

/// When a session of 30 days that began with day 0 is over.
const ENDS: i64 = DAY_ZERO + 30 * DAY;

impl Scene {
    async fn signing_key(&self, id: &str, made: i64, retired: Option<i64>) {
        let tenant = id.split('/').next().unwrap();
        let script = self.insert(
            "session_signing_keys (id, tenant_id, created_at, retired_at)",
            format!(
                "'{id}', '{tenant}', {}, {}",
                self.time(Some(made)),
                self.time(retired)
            ),
        );
        self.lab.script(&script).await;
    }

    /// A session that is good until [`ENDS`], if nobody revokes it.
    async fn signed(&self, id: &str, key: &str, revoked: Option<i64>) {
        self.lab.script(&self.insert_signed(id, key, revoked)).await;
    }

    fn insert_signed(&self, id: &str, key: &str, revoked: Option<i64>) -> String {
        let tenant = key.split('/').next().unwrap();
        self.insert(
            "sessions (id, tenant_id, signing_key_id, created_at, last_seen_at, idle_expires_at, \
             absolute_expires_at, revoked_at)",
            format!(
                "'{id}', '{tenant}', '{key}', {began}, {began}, {}, {}, {}",
                self.time(Some(ENDS - 1)),
                self.time(Some(ENDS)),
                self.time(revoked),
                began = self.time(Some(DAY_ZERO)),
            ),
        )
    }

    async fn keys(&self) -> Vec<String> {
        self.texts("SELECT id FROM session_signing_keys").await
    }

    /// All jobs of this profile, in order; how many keys went.
    async fn clean(&mut self, now: i64) -> u64 {
        let mut keys = 0;
        for job in JOBS {
            keys = self.count(job, now).await.affected;
        }
        keys
    }
}

/// The same keys for each tenant: one active for long, one that is to be active next, one retired
/// on day 0 with a session signed by it, and one retired on day 0 that nothing was signed with.
async fn two_tenants(scene: &Scene) {
    for tenant in TENANTS {
        scene
            .lab
            .script(&format!("INSERT INTO tenants (id) VALUES ('{tenant}')"))
            .await;
        let id = |key: &str| format!("{tenant}/{key}");
        let long_ago = DAY_ZERO - 90 * DAY;
        scene.signing_key(&id("active"), long_ago, None).await;
        scene.signing_key(&id("next"), DAY_ZERO - DAY, None).await;
        scene
            .signing_key(&id("used"), long_ago, Some(DAY_ZERO))
            .await;
        scene
            .signing_key(&id("unused"), long_ago, Some(DAY_ZERO))
            .await;
    }
}

#[tokio::test]
async fn a_retired_key_goes_after_its_last_session_and_an_active_one_never() {
    for mut scene in both().await {
        two_tenants(&scene).await;
        // One tenant's sessions last; the other's is revoked on day 3.
        scene.signed("long", "acme/used", None).await;
        let revoked = Some(DAY_ZERO + 3 * DAY);
        scene.signed("revoked", "globex/used", revoked).await;
        let always = ["acme/active", "acme/next", "globex/active", "globex/next"];
        let with = |more: &[&'static str]| {
            let mut keys = [&always, more].concat();
            keys.sort_unstable();
            keys
        };

        // Within the 24 hours that a retired key is kept, nothing goes.
        let none = scene.clean(DAY_ZERO + 23 * HOUR).await;
        assert_eq!(none, 0);
        assert_eq!(scene.keys().await.len(), 8);

        // After them, what no session needs goes, for both tenants.
        let unused = scene.clean(DAY_ZERO + 25 * HOUR).await;
        assert_eq!(unused, 2);
        assert_eq!(scene.keys().await, with(&["acme/used", "globex/used"]));

        // A session that was revoked is kept for a day, and its key with it.
        let kept = scene.clean(DAY_ZERO + 3 * DAY + 23 * HOUR).await;
        assert_eq!(kept, 0);

        // The one tenant's key goes with its last session; the other's stays with its live one.
        let ones = scene.clean(DAY_ZERO + 5 * DAY).await;
        assert_eq!(ones, 1);
        assert_eq!(scene.keys().await, with(&["acme/used"]));
        assert_eq!(scene.texts("SELECT id FROM sessions").await, ["long"]);
        let still = scene.clean(ENDS - MINUTE).await;
        assert_eq!(still, 0);

        // A session that is over holds its key until a job has taken it.
        let early = scene.count("sessions/signing-keys", ENDS + MINUTE).await;
        assert_eq!(early.affected, 0);
        let last = scene.clean(ENDS + MINUTE).await;
        assert_eq!(last, 1);
        assert_eq!(scene.keys().await, always);

        // The active and the next one outlast everything.
        let never = scene.clean(ENDS + 1000 * DAY).await;
        assert_eq!(never, 0);
        assert_eq!(scene.keys().await, always);
    }
}

#[tokio::test]
async fn one_of_many_sessions_is_enough_to_keep_a_key() {
    for mut scene in both().await {
        two_tenants(&scene).await;
        for number in 0..200 {
            let revoked = (number != 117).then_some(DAY_ZERO);
            for tenant in TENANTS {
                let (id, key) = (format!("{tenant} {number}"), format!("{tenant}/used"));
                scene.signed(&id, &key, revoked).await;
            }
        }

        scene.clean(DAY_ZERO + 5 * DAY).await;

        let left = scene.texts("SELECT id FROM sessions").await;
        assert_eq!(left, ["acme 117", "globex 117"]);
        let keys = scene.keys().await;
        assert!(keys.contains(&"acme/used".to_owned()), "{keys:?}");
        assert!(keys.contains(&"globex/used".to_owned()), "{keys:?}");
        assert!(!keys.contains(&"acme/unused".to_owned()), "{keys:?}");
    }
}

#[tokio::test]
async fn a_session_that_is_being_signed_keeps_its_retired_key() {
    let mut scene = Scene::on(Lab::postgres("").await).await;
    two_tenants(&scene).await;
    let now = DAY_ZERO + 5 * DAY;

    // A server that has not heard of the rotation signs a session, and has not committed yet.
    let mut server = scene.lab.session().await;
    server.begin("BEGIN").await.unwrap();
    let insert = scene.insert_signed("late", "acme/unused", None);
    server.run_script(&insert).await.unwrap();
    let during = scene.count("sessions/signing-keys", now).await;
    server.commit().await.unwrap();
    let after = scene.count("sessions/signing-keys", now).await;

    assert_eq!((during.affected, during.locked), (3, 1));
    assert_eq!(after.affected, 0);
    assert!(scene.keys().await.contains(&"acme/unused".to_owned()));
    assert_eq!(scene.texts("SELECT id FROM sessions").await, ["late"]);
}
