//! `zoneless-timestamp` where the schema itself names the clock by which a time without a zone is written: in a
//! default, a generated column, a trigger, or a function that one of them calls.

use besom::catalog::TimeForm;
use besom::request::{Dependent, Fate, Timestamp};

use super::*;

const ZONE: &str = "zoneless-timestamp";

fn older_than(column: &str) -> Condition {
    Condition::OlderThan {
        column: column.to_owned(),
        cutoff: Timestamp(1_700_000_000_000_000),
        offset: 0,
    }
}

fn older() -> Request {
    Request::delete("item", older_than("at"))
}

fn new_york() -> TimeForm {
    TimeForm::Local(chrono_tz::Tz::America__New_York)
}

async fn zoneless(lab: &Lab, request: &Request) -> Vec<Finding> {
    let mut all = findings(lab, std::slice::from_ref(request)).await;
    all.retain(|finding| finding.code == ZONE);
    all
}

#[tokio::test]
async fn a_default_that_names_a_zone_is_an_error_until_the_operator_says_it() {
    for column in [
        "timestamp DEFAULT (now() AT TIME ZONE 'America/New_York')",
        "timestamp DEFAULT timezone('America/New_York', now()) + interval '2 hours'",
        "timestamp DEFAULT (CURRENT_TIMESTAMP AT TIME ZONE 'us/eastern')",
        "date DEFAULT (now() AT TIME ZONE 'America/New_York')::date",
        "hands",
    ] {
        let mut lab = Lab::postgres(&format!(
            "CREATE DOMAIN hands AS timestamp DEFAULT (now() AT TIME ZONE 'America/New_York');
             CREATE TABLE item (id bigint PRIMARY KEY, at {column});"
        ))
        .await;

        let finding = found(&lab, &older(), ZONE).await;

        assert_eq!(finding.severity, Severity::Error, "{column}");
        let line = "\"public.item.at\" = \"local:";
        assert!(
            finding.message.contains(line),
            "{column}: {}",
            finding.message
        );
        lab.say("item", "at", new_york());
        assert!(codes(&lab, &older()).await.is_empty(), "{column}");
    }
}

#[tokio::test]
async fn what_is_plainly_utc_or_says_nothing_is_no_finding() {
    for column in [
        "timestamp DEFAULT timezone('utc', now())",
        "timestamp DEFAULT (now() AT TIME ZONE 'UTC')",
        "timestamp DEFAULT (now() AT TIME ZONE 'Etc/UTC')",
        "timestamp DEFAULT (now() AT TIME ZONE INTERVAL '0')",
        "timestamp DEFAULT (now() AT TIME ZONE '+00')",
        "timestamp DEFAULT (now() AT TIME ZONE current_setting('TimeZone'))",
        "timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP",
        "timestamp(6) DEFAULT now()::timestamp",
        "timestamp DEFAULT LOCALTIMESTAMP",
        "date DEFAULT CURRENT_DATE",
        "timestamptz DEFAULT (now() AT TIME ZONE 'America/New_York')",
        "timestamp, other timestamp DEFAULT (now() AT TIME ZONE 'America/New_York')",
        "timestamp, by_hand timestamp GENERATED ALWAYS AS ((made AT TIME ZONE 'Europe/Berlin')) STORED, made timestamptz",
    ] {
        let lab = Lab::postgres(&format!(
            "CREATE TABLE item (id bigint PRIMARY KEY, at {column});"
        ))
        .await;
        assert!(codes(&lab, &older()).await.is_empty(), "{column}");
    }
}

#[tokio::test]
async fn a_word_that_the_default_contradicts_is_an_error() {
    let mut lab = Lab::postgres(
        "CREATE TABLE item (id bigint PRIMARY KEY, at timestamp DEFAULT (now() AT TIME ZONE 'America/New_York'));",
    )
    .await;
    for wrong in [
        TimeForm::Native,
        TimeForm::Local(chrono_tz::Tz::Europe__Berlin),
    ] {
        lab.say("item", "at", wrong);
        let finding = found(&lab, &older(), ZONE).await;
        assert_eq!(finding.severity, Severity::Error);
        let line = "\"public.item.at\" = \"local:America/New_York\"";
        for part in [wrong.to_string().as_str(), line, "tolerate"] {
            assert!(
                finding.message.contains(part),
                "{part}: {}",
                finding.message
            );
        }
    }
    // The same clock by another name.
    lab.say("item", "at", TimeForm::Local(chrono_tz::Tz::US__Eastern));
    assert!(codes(&lab, &older()).await.is_empty());

    lab.script("ALTER TABLE item ALTER at SET DEFAULT timezone('utc', now())")
        .await;
    let finding = found(&lab, &older(), ZONE).await;
    assert!(
        finding.message.contains("= \"native\""),
        "{}",
        finding.message
    );
    lab.say("item", "at", TimeForm::Native);
    assert!(codes(&lab, &older()).await.is_empty());
}

#[tokio::test]
async fn a_generated_column_and_functions_and_triggers_are_read() {
    let zone = "now() AT TIME ZONE 'America/New_York'";
    let function = |set: &str, what: &str| {
        format!(
            "CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql {set} AS $$ BEGIN {what}; RETURN NEW; END $$;
             CREATE TABLE item (id bigint PRIMARY KEY, at timestamp);
             CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON item FOR EACH ROW EXECUTE FUNCTION stamp();"
        )
    };
    let of_other = format!(
        "CREATE TABLE item (id bigint PRIMARY KEY, at timestamp);
         CREATE TABLE login (id bigint PRIMARY KEY, item bigint);
         CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN UPDATE item SET at = {zone} WHERE id = NEW.item; RETURN NULL; END $$;
         CREATE TRIGGER touch AFTER INSERT ON login FOR EACH ROW EXECUTE FUNCTION touch();"
    );
    for (schema, whose) in [
        (
            "CREATE TABLE item (id bigint PRIMARY KEY, made timestamptz,
                 at timestamp GENERATED ALWAYS AS (made AT TIME ZONE 'America/New_York') STORED);"
                .to_owned(),
            "generated",
        ),
        (
            format!(
                "CREATE FUNCTION here() RETURNS timestamp LANGUAGE sql AS $$ SELECT {zone} $$;
                 CREATE TABLE item (id bigint PRIMARY KEY, at timestamp DEFAULT here());"
            ),
            "function `here`",
        ),
        (
            "CREATE FUNCTION here() RETURNS timestamp LANGUAGE sql SET timezone TO 'America/New_York' AS
                 $$ SELECT now()::timestamp $$;
             CREATE TABLE item (id bigint PRIMARY KEY, at timestamp DEFAULT here());"
                .to_owned(),
            "function `here`",
        ),
        (function("", &format!("NEW.at := {zone}")), "trigger `stamp`"),
        (
            function("SET timezone TO 'America/New_York'", "NEW.at = now()"),
            "trigger `stamp`",
        ),
        (of_other, "trigger `touch`"),
        (
            format!(
                "CREATE TABLE item (id bigint, at timestamp DEFAULT ({zone})) PARTITION BY RANGE (id);
                 CREATE TABLE part PARTITION OF item FOR VALUES FROM (0) TO (10);
                 ALTER TABLE part ALTER at DROP DEFAULT;"
            ),
            "its default",
        ),
    ] {
        let mut lab = Lab::postgres(&schema).await;

        let told = zoneless(&lab, &older()).await;

        assert_eq!(told.len(), 1, "{schema}: {told:?}");
        assert!(told[0].message.contains(whose), "{schema}: {}", told[0].message);
        lab.say("item", "at", new_york());
        assert!(zoneless(&lab, &older()).await.is_empty(), "{schema}");
    }
    for harmless in [
        function("SET timezone TO 'UTC'", "NEW.at := now()"),
        function("SET search_path = ''", "NEW.at := pg_catalog.now()"),
        function("", "NEW.at := timezone('utc', now())"),
        function(
            "",
            "RAISE LOG 'written at %', now() AT TIME ZONE 'Europe/Berlin'; NEW.at := now()",
        ),
    ] {
        let lab = Lab::postgres(&harmless).await;
        assert!(zoneless(&lab, &older()).await.is_empty(), "{harmless}");
    }
}

#[tokio::test]
async fn text_and_numbers_that_are_made_of_a_clocks_hands_are_found_as_well() {
    for (column, form) in [
        (
            "text DEFAULT to_char(now() AT TIME ZONE 'America/New_York', 'YYYY-MM-DD HH24:MI:SS')",
            TimeForm::SqlText,
        ),
        (
            "bigint DEFAULT extract(epoch FROM now() AT TIME ZONE 'America/New_York')",
            TimeForm::UnixS,
        ),
    ] {
        let mut lab = Lab::postgres(&format!(
            "CREATE TABLE item (id bigint PRIMARY KEY, at {column}); INSERT INTO item VALUES (1);"
        ))
        .await;
        lab.say("item", "at", form);

        let finding = found(&lab, &older(), ZONE).await;

        let message = &finding.message;
        assert!(message.contains("America/New_York"), "{column}: {message}");
    }
}

#[tokio::test]
async fn on_sqlite_the_machines_own_zone_is_an_error_until_the_operator_says_which_it_is() {
    let touch = "CREATE TRIGGER touch AFTER INSERT ON item BEGIN
        UPDATE item SET at = datetime('now', 'localtime') WHERE id = NEW.id; END;";
    for (column, more) in [
        ("TEXT DEFAULT (datetime('now','localtime'))", ""),
        (
            "DATETIME DEFAULT (DATETIME('now', 'LOCALTIME', '+2 hours'))",
            "",
        ),
        (
            "TIMESTAMP NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime'))",
            "",
        ),
        ("TEXT DEFAULT (date('now','localtime'))", ""),
        ("TEXT DEFAULT CURRENT_TIMESTAMP", touch),
    ] {
        let mut lab = Lab::sqlite(&format!(
            "CREATE TABLE item (id INTEGER PRIMARY KEY, at {column}); {more} INSERT INTO item (id) VALUES (1);"
        ))
        .await;

        let finding = found(&lab, &older(), ZONE).await;

        assert_eq!(finding.severity, Severity::Error, "{column}");
        assert!(
            finding.message.contains("local:ZONE"),
            "{column}: {}",
            finding.message
        );
        for word in [new_york(), TimeForm::SqlText] {
            lab.say("item", "at", word);
            assert!(
                zoneless(&lab, &older()).await.is_empty(),
                "{column}: {word}"
            );
        }
    }
    for column in [
        "TEXT DEFAULT CURRENT_TIMESTAMP",
        "TEXT DEFAULT (datetime('now'))",
        "TEXT DEFAULT (STRFTIME('%Y-%m-%d %H:%M:%f', 'NOW'))",
        "INTEGER DEFAULT (unixepoch())",
        "TEXT DEFAULT (datetime('now')), seen TEXT DEFAULT (datetime('now','localtime'))",
    ] {
        let lab = Lab::sqlite(&format!(
            "CREATE TABLE item (id INTEGER PRIMARY KEY, at {column}); INSERT INTO item (id) VALUES (1);"
        ))
        .await;
        assert!(codes(&lab, &older()).await.is_empty(), "{column}");
    }
    let lab = Lab::sqlite(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, at INTEGER DEFAULT (strftime('%s','now','localtime') + 0));
         INSERT INTO item (id) VALUES (1);",
    )
    .await;
    let finding = found(&lab, &older(), ZONE).await;
    assert!(
        finding.message.contains("= \"unix-s\""),
        "{}",
        finding.message
    );
}

#[tokio::test]
async fn on_sqlite_a_zone_that_a_default_in_utc_contradicts_is_an_error() {
    for column in [
        "TEXT DEFAULT CURRENT_TIMESTAMP",
        "DATETIME DEFAULT (datetime('now'))",
        "TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now', '+30 days'))",
        "TEXT DEFAULT CURRENT_DATE",
    ] {
        let mut lab = Lab::sqlite(&format!(
            "CREATE TABLE item (id INTEGER PRIMARY KEY, at {column}); INSERT INTO item (id) VALUES (1);"
        ))
        .await;
        assert!(codes(&lab, &older()).await.is_empty(), "{column}");
        lab.say("item", "at", new_york());

        let finding = found(&lab, &older(), ZONE).await;

        assert_eq!(finding.severity, Severity::Error, "{column}");
        for part in [
            "local:America/New_York",
            "its default writes UTC",
            "= \"sql-text\"",
            "tolerate",
        ] {
            let message = &finding.message;
            assert!(message.contains(part), "{column}: {part}: {message}");
        }
        lab.say("item", "at", TimeForm::SqlText);
        assert!(codes(&lab, &older()).await.is_empty(), "{column}");
    }
    // What says its own offset, or may have been made another clock's, contradicts nothing.
    for column in [
        "TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))",
        "TEXT DEFAULT (datetime('now', '-5 hours'))",
    ] {
        let mut lab = Lab::sqlite(&format!(
            "CREATE TABLE item (id INTEGER PRIMARY KEY, at {column}); INSERT INTO item (id) VALUES (1);"
        ))
        .await;
        lab.say("item", "at", new_york());
        assert!(zoneless(&lab, &older()).await.is_empty(), "{column}");
    }
}

#[tokio::test]
async fn whatever_asks_for_the_time_is_held_against_it() {
    let postgres = "CREATE TABLE item (id bigint PRIMARY KEY);
        CREATE TABLE part (id bigint PRIMARY KEY, item bigint REFERENCES item,
            at timestamp DEFAULT (now() AT TIME ZONE 'America/New_York'));";
    let sqlite = "CREATE TABLE item (id INTEGER PRIMARY KEY);
        CREATE TABLE part (id INTEGER PRIMARY KEY, item INTEGER REFERENCES item,
            at TEXT DEFAULT (datetime('now','localtime')));
        INSERT INTO part (id) VALUES (1);";
    for mut lab in besom_tests::lab::both(postgres, sqlite).await {
        let of_part = || Box::new(older_than("at"));
        let related = Condition::NotExists {
            table: "part".to_owned(),
            on: on("item", "id"),
            matching: Some(of_part()),
        };
        let mut dependent = Request::delete("item", Condition::Everything);
        dependent.dependents.push(Dependent {
            table: "part".to_owned(),
            on: on("item", "id"),
            parent: None,
            matching: Some(*of_part()),
            fate: Fate::Delete,
        });
        let newest = Condition::BeyondNewest {
            group_by: vec!["item".to_owned()],
            order_by: "at".to_owned(),
            keep: 1,
        };
        let requests = [
            Request::delete("item", related),
            dependent,
            Request::delete("part", newest),
            Request::delete("part", Condition::Not(of_part())),
        ];
        for request in &requests {
            let told = zoneless(&lab, request).await;
            assert_eq!(told.len(), 1, "{request:?}");
        }
        lab.say("part", "at", new_york());
        for request in &requests {
            assert!(zoneless(&lab, request).await.is_empty(), "{request:?}");
        }
    }
}
