//! Back-channel logout: the provider names a login, and the server walks from it to the browser
//! session and on to the compatibility and OAuth 2.0 sessions that were opened from that. Cleaning up
//! must never cut this way while there is a session at its end.

use std::collections::BTreeSet;

use super::*;

/// A session that was opened from a browser session.
#[derive(Debug, Clone)]
struct Opened {
    name: String,
    compat: bool,
    finished: Option<i64>,
    /// When the grant that holds it was made.
    granted: Option<i64>,
}

/// A login at the provider, with the browser session that it led to.
#[derive(Debug, Clone)]
struct Login {
    name: &'static str,
    finished: Option<i64>,
    opened: Vec<Opened>,
}

/// What must be there, moved on by hand beside the database.
#[derive(Debug)]
struct Story {
    logins: Vec<Login>,
}

const KEPT: i64 = 30 * DAY;

/// Every login has a compatibility and an OAuth 2.0 session, which end on these days, if they do.
fn login(
    name: &'static str,
    browser: Option<i64>,
    compat: Option<i64>,
    oauth2: Option<i64>,
) -> Login {
    let opened = [(true, compat), (false, oauth2)].map(|(compat, finished)| Opened {
        name: format!("{name}/{}", if compat { 'c' } else { 'o' }),
        compat,
        finished,
        granted: None,
    });
    Login {
        name,
        finished: browser,
        opened: opened.to_vec(),
    }
}

impl Story {
    fn new() -> Self {
        let (zero, later) = (Some(DAY_ZERO), Some(DAY_ZERO + 5 * DAY));
        let logins = vec![
            login("in use", None, None, None),
            login("all over", zero, zero, zero),
            // The user closed the browser's session and went on with the apps.
            login("browser over", zero, None, None),
            login("phone over", zero, zero, None),
            login("app over", None, None, zero),
            login("one by one", zero, zero, later),
            login("held", zero, zero, zero),
        ];
        Self { logins }
    }

    fn login(&mut self, name: &str) -> &mut Login {
        self.logins.iter_mut().find(|l| l.name == name).unwrap()
    }

    fn names(&self) -> Vec<&'static str> {
        self.logins.iter().map(|login| login.name).collect()
    }

    /// What a job takes: the same rules, in the words of the server's own manual.
    fn after(&mut self, job: &str, now: i64) {
        let over = |finished: Option<i64>| finished.is_some_and(|at| at < now - KEPT);
        for login in &mut self.logins {
            match job {
                "sessions/finished-compat" => {
                    login.opened.retain(|o| !o.compat || !over(o.finished));
                }
                "sessions/finished-oauth2" => login
                    .opened
                    .retain(|o| o.compat || o.granted.is_some() || !over(o.finished)),
                "tokens/authorization-grants" => {
                    for opened in &mut login.opened {
                        opened.granted = opened.granted.filter(|made| *made >= now - 7 * DAY);
                    }
                }
                _ => {}
            }
        }
        if job == "sessions/finished-browser" {
            self.logins
                .retain(|login| !login.opened.is_empty() || !over(login.finished));
        }
    }
}

impl Scene {
    async fn tell(&self, story: &Story) {
        self.user_and_client().await;
        let began = self.time(Some(DAY_ZERO - DAY));
        let provider = self.key("provider");
        let script = self.insert(
            "upstream_oauth_providers (upstream_oauth_provider_id, created_at)",
            format!("{provider}, {began}"),
        );
        self.lab.script(&script).await;
        for login in &story.logins {
            let (key, name) = (self.key(login.name), login.name);
            // As a server does it: the pointer from the provider's login to the browser session is
            // filled by the trigger.
            self.lab
                .script(&format!(
                    "INSERT INTO user_sessions (user_session_id, user_id, created_at, finished_at) \
                     VALUES ({key}, {}, {began}, {});
                     INSERT INTO upstream_oauth_authorization_sessions \
                         (upstream_oauth_authorization_session_id, upstream_oauth_provider_id, \
                         state, created_at, completed_at, consumed_at) \
                     VALUES ({key}, {provider}, '{name}', {began}, {began}, {began});
                     INSERT INTO user_session_authentications (user_session_authentication_id, \
                         user_session_id, upstream_oauth_authorization_session_id, created_at) \
                     VALUES ({key}, {key}, {key}, {began})",
                    self.key("user"),
                    self.time(login.finished),
                ))
                .await;
            for opened in &login.opened {
                if opened.compat {
                    self.compat_session(&opened.name, name, opened.finished)
                        .await;
                } else {
                    self.oauth2_session(&opened.name, Some(name), opened.finished)
                        .await;
                }
            }
        }
    }

    async fn compat_session(&self, name: &str, browser: &str, finished: Option<i64>) {
        let made = self.time(Some(DAY_ZERO - DAY));
        self.lab
            .script(&format!(
                "INSERT INTO compat_sessions (compat_session_id, user_id, user_session_id, \
                     human_name, created_at, finished_at) \
                 VALUES ({key}, {user}, {browser}, '{name}', {made}, {finished});
                 INSERT INTO compat_access_tokens (compat_access_token_id, compat_session_id, \
                     access_token, created_at) VALUES ({key}, {key}, '{name}', {made});
                 INSERT INTO compat_refresh_tokens (compat_refresh_token_id, compat_session_id, \
                     compat_access_token_id, refresh_token, created_at) \
                 VALUES ({key}, {key}, {key}, '{name}', {made});
                 INSERT INTO compat_sso_logins (compat_sso_login_id, compat_session_id, \
                     login_token, redirect_uri, created_at) \
                 VALUES ({key}, {key}, '{name}', 'https://app.example', {made})",
                key = self.key(name),
                user = self.key("user"),
                browser = self.key(browser),
                finished = self.time(finished),
            ))
            .await;
    }

    /// The server's walk from one login: the sessions that it reaches.
    async fn walk(&self, login: &str) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        for sessions in ["compat_sessions", "oauth2_sessions"] {
            let walk = format!(
                "SELECT s.human_name FROM upstream_oauth_authorization_sessions AS l \
                 JOIN user_sessions AS u ON u.user_session_id = l.user_session_id \
                 JOIN {sessions} AS s ON s.user_session_id = u.user_session_id \
                 WHERE l.state = '{login}'"
            );
            reached.extend(self.texts(&walk).await);
        }
        reached
    }

    /// Everything that the story says is there is reached, and nothing else is there.
    async fn must_be_walkable(&self, story: &Story, when: &str) {
        let mut everything = BTreeSet::new();
        for login in &story.logins {
            let expected: BTreeSet<String> = login.opened.iter().map(|o| o.name.clone()).collect();
            let reached = self.walk(login.name).await;
            assert_eq!(reached, expected, "from `{}` {when}", login.name);
            everything.extend(expected);
        }
        let mut there = BTreeSet::new();
        for sessions in ["compat_sessions", "oauth2_sessions"] {
            let all = format!("SELECT human_name FROM {sessions}");
            there.extend(self.texts(&all).await);
        }
        assert_eq!(there, everything, "{when}");
        let browsers = self.lab.count("SELECT count(*) FROM user_sessions").await;
        assert_eq!(
            usize::try_from(browsers).unwrap(),
            story.logins.len(),
            "{when}"
        );
    }

    /// A grant is made for a session that is over, and holds it for a week.
    async fn hold(&self, story: &mut Story, login: &str, made: i64) {
        for opened in &mut story.login(login).opened {
            if !opened.compat {
                self.grant(&opened.name, made).await;
                opened.granted = Some(made);
            }
        }
    }

    /// The provider logs a user out: whatever is reached ends now.
    async fn log_out(&self, story: &mut Story, login: &str, now: i64) {
        let reached = self.walk(login).await;
        assert!(!reached.is_empty(), "nothing to log out of from `{login}`");
        let now_sql = self.time(Some(now));
        for sessions in ["compat_sessions", "oauth2_sessions"] {
            self.lab
                .script(&format!(
                    "UPDATE {sessions} SET finished_at = {now_sql} WHERE finished_at IS NULL \
                     AND user_session_id = (SELECT user_session_id \
                         FROM upstream_oauth_authorization_sessions WHERE state = '{login}')"
                ))
                .await;
        }
        for opened in &mut story.login(login).opened {
            opened.finished = opened.finished.or(Some(now));
        }
    }
}

/// Every job at day 0, 31 and 62, looked at before, between and after; on day 31 the provider ends
/// what a login led to whose browser session has been over for a month.
async fn two_months(mut scene: Scene, order: &[JobName]) -> (Scene, Story) {
    let mut story = Story::new();
    scene.tell(&story).await;
    for day in [0, 31, 62] {
        let now = DAY_ZERO + day * DAY + HOUR;
        if day == 31 {
            scene.hold(&mut story, "held", now - 5 * DAY).await;
        }
        let dialect = scene.dialect();
        let before = format!("before all jobs on day {day} on {dialect:?}");
        scene.must_be_walkable(&story, &before).await;
        for job in order {
            scene.run(job, now).await;
            story.after(&job.to_string(), now);
            let when = format!("after {job} on day {day} on {dialect:?}");
            scene.must_be_walkable(&story, &when).await;
        }
        if day == 31 {
            scene.log_out(&mut story, "browser over", now).await;
        }
    }
    (scene, story)
}

#[tokio::test]
async fn what_a_login_led_to_can_be_walked_to_before_between_and_after_all_jobs() {
    for scene in both().await {
        let order = scene.jobs();

        let (scene, story) = two_months(scene, &order).await;

        // The logout of day 31 found its sessions, and a month later they are gone like the others.
        assert_eq!(story.names(), ["in use", "phone over", "app over"]);
        let pointing = "SELECT state FROM upstream_oauth_authorization_sessions \
                        WHERE user_session_id IS NOT NULL";
        assert_eq!(
            scene.texts(pointing).await,
            ["app over", "in use", "phone over"]
        );
        let authentications = "SELECT count(*) FROM user_session_authentications";
        assert_eq!(scene.lab.count(authentications).await, 3);
    }
}

#[tokio::test]
async fn no_order_of_the_jobs_cuts_the_way() {
    for scene in both().await {
        let mut backwards = scene.jobs();
        backwards.reverse();

        let (_, story) = two_months(scene, &backwards).await;

        // A parent is looked at before its children have gone: it goes a day later, no more.
        let left = [
            "in use",
            "browser over",
            "phone over",
            "app over",
            "one by one",
            "held",
        ];
        assert_eq!(story.names(), left);
    }
}
