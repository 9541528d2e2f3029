//! Plugins: where they come from, and what they are granted.

use super::*;
use crate::request::Value;

#[test]
fn a_third_partys_plugin_is_granted_what_the_file_says() {
    let config = parse(
        "[plugins.acme-audit]\ncomponent = \"plugins/${NAME:-acme}.wasm\"\n\
         [plugins.acme-audit.grant.audit_log]\nread = [\"id\", \"created_at\"]\ndelete = true\n\
         min-age = { column = \"created_at\", age = \"90d\" }\n\
         where = { tenant = \"t-1\", shard = 7, hot = false, weight = 0.5 }\n\
         [plugins.acme-audit.grant.\"public.notes\"]\nupdate = [\"body\"]\nall-rows = true\n",
    )
    .unwrap();
    let plugin = &config.plugins["acme-audit"];

    assert_eq!(plugin.origin, Origin::File("etc/plugins/acme.wasm".into()));
    let audit = &plugin.grants.tables["audit_log"];
    assert!(audit.delete && !audit.all_rows && audit.update.is_empty());
    assert_eq!(audit.read.iter().collect::<Vec<_>>(), ["created_at", "id"]);
    let min_age = audit.min_age.clone().unwrap();
    assert_eq!(
        (min_age.column.as_str(), min_age.age.as_secs()),
        ("created_at", 90 * 86_400)
    );
    assert_eq!(audit.filter["tenant"], Value::Other("t-1".to_owned()));
    assert_eq!(audit.filter["shard"], Value::Integer(7));
    assert_eq!(audit.filter["hot"], Value::Boolean(false));
    assert_eq!(audit.filter["weight"], Value::Float(0.5));
    let notes = &plugin.grants.tables["public.notes"];
    assert!(notes.all_rows && !notes.delete && notes.update.contains("body"));
}

#[test]
fn the_grant_of_a_bundled_plugin_is_read_as_any_other() {
    let config = parse(
        "[plugins.tokens.grant.refresh_tokens]\nwhere = { tenant = \"a\" }\n\
         min-age = { column = \"id\", age = \"1h\" }\n\
         [plugins.tokens.grant.grown]\ndelete = true\nupdate = [\"token_id\"]\n",
    )
    .unwrap();
    let grants = &config.plugins["tokens"].grants.tables;
    let narrowed = &grants["refresh_tokens"];
    assert!(!narrowed.delete && narrowed.min_age.is_some() && narrowed.filter.len() == 1);
    let grown = &grants["grown"];
    assert!(grown.delete && grown.update.contains("token_id") && grown.read.is_empty());
}

#[test]
fn a_grant_that_seems_to_take_a_right_from_a_bundled_plugin_is_refused() {
    for right in [
        "delete = false",
        "all-rows = false",
        "read = []",
        "update = []",
    ] {
        let name = right.split(' ').next().unwrap();
        let key = format!("plugins.tokens.grant.t.{name}");
        let grant = format!("[plugins.tokens.grant.t]\n{right}\n");
        refused(&grant, &[&key, "takes nothing away", "`min-age`"]);
    }
    let own = "[plugins.a]\ncomponent = \"a.wasm\"\n[plugins.a.grant.t]\nread = [\"id\"]\ndelete = false\n";
    assert!(parse(own).is_ok());
}

#[test]
fn a_grant_that_says_something_else_than_it_seems_is_refused() {
    let grant =
        |body: &str| format!("[plugins.a]\ncomponent = \"a.wasm\"\n[plugins.a.grant.t]\n{body}\n");
    refused(
        &grant("deletes = true"),
        &[":6: plugins.a.grant.t.deletes", "`delete`?"],
    );
    refused(
        &grant("delete = \"true\""),
        &["`true` or `false`, not a string"],
    );
    refused(
        &grant("read = \"id\""),
        &["a list of names such as [\"id\""],
    );
    refused(&grant("read = [1]"), &["names in quotes"]);
    refused(&grant("min_age = \"90d\""), &["did you mean `min-age`?"]);
    refused(
        &grant("min-aeg = { column = \"c\", age = \"90d\" }"),
        &[":6: plugins.a.grant.t.min-aeg", "did you mean `min-age`?"],
    );
    refused(
        &grant("min-age = \"90d\""),
        &["{ column = \"created_at\", age = \"90d\" }"],
    );
    refused(
        &grant("min-age = { age = \"90d\" }"),
        &["a column and an age"],
    );
    refused(
        &grant("min-age = { column = \"c\", age = \"0s\" }"),
        &["min-age.age", "out of range"],
    );
    refused(&grant("where = {}"), &["narrows nothing"]);
    refused(&grant("where = { a = [1] }"), &["where.a", "one value"]);
    refused(
        &grant("where = { a = nan }"),
        &["where.a", "a finite number"],
    );
    refused(
        "[plugins.a]\ncomponent = \"a.wasm\"\n[plugins.a.grant.public.t]\ndelete = true\n",
        &["plugins.a.grant.public.t", "\"public.t\""],
    );
}

#[test]
fn a_plugin_is_bundled_or_has_a_component() {
    refused(
        "[plugins.token]\n",
        &[":3: plugins.token", "did you mean `tokens`?", "component ="],
    );
    refused(
        "[plugins.tokens]\ncomponent = \"t.wasm\"\n",
        &[":4: ", "bundled", "another name"],
    );
    refused(
        "[plugins.\"a/b\"]\ncomponent = \"t.wasm\"\n",
        &[":3: plugins.\"a/b\"", "letters"],
    );
}

#[test]
fn a_plugin_may_be_one_that_is_installed() {
    let config = parse(
        "[plugins.acme]\nsource = \"store\"\n[plugins.tokens]\nsource = \"bundled\"\n\
         [plugins.ips]\nsource = \"store\"\n[plugins.ips.grant.t]\ndelete = true\n",
    )
    .unwrap();
    let origin = |name: &str| {
        (
            &config.plugins[name].origin,
            config.plugins[name].only_embedded,
        )
    };

    assert_eq!(origin("acme"), (&Origin::Store, false));
    assert_eq!(origin("tokens"), (&Origin::Bundled, true));
    assert_eq!(origin("ips"), (&Origin::Store, false));
    refused(
        "[plugins.acme]\nsource = \"store\"\ncomponent = \"a.wasm\"\n",
        &["plugins.acme.source", "leave one of them"],
    );
    refused(
        "[plugins.acme]\nsource = \"bundled\"\n",
        &["no plugin `acme` is bundled"],
    );
    refused(
        "[plugins.acme]\nsource = \"ledger\"\n",
        &["\"store\" or \"bundled\""],
    );
}

#[test]
fn who_may_install_is_the_files_to_say() {
    let key = format!("ed25519:{}", "ab".repeat(32));
    let digest = "cd".repeat(32);
    let config = parse(&format!(
        "[store]\ninstall = \"pinned\"\ntrusted-keys = [\"{key}\"]\n\
         [plugins.tokens]\ndigest = \"sha256:{digest}\"\ntrusted-keys = []\n"
    ))
    .unwrap();

    assert_eq!(config.store.install, InstallPolicy::Pinned);
    assert_eq!(config.store.trusted_keys[0].to_string(), key);
    let pinned = config.plugins["tokens"].digest.unwrap();
    assert_eq!(pinned.to_string(), digest);
    refused(
        "[store]\ninstall = \"all\"\n",
        &["store.install", "\"pinned\""],
    );
    refused(
        "[store]\ntrusted-keys = [\"abc\"]\n",
        &["store.trusted-keys", "besom plugin keygen"],
    );
    refused(
        "[plugins.tokens]\ndigest = \"abc\"\n",
        &["plugins.tokens.digest", "besom plugin inspect"],
    );
}

#[test]
fn whatever_is_installed_runs_on_sqlite_alone_where_the_file_says_nothing() {
    let rules = Rules {
        environment: Environment::of([]),
        bundled: &[],
    };
    let policy = |url: &str| {
        let text = format!("[database]\nurl = \"{url}\"\n");
        let config = Config::parse(&text, Path::new("besom.toml"), &rules).unwrap();
        config.store.install
    };

    assert_eq!(policy("sqlite://besom.db"), InstallPolicy::Any);
    assert_eq!(policy("postgres://db/x"), InstallPolicy::Signed);
}

#[test]
fn the_nearest_word_on_what_is_tolerated_counts_and_any_code_is_taken() {
    let config = parse(
        "[defaults]\ntolerate = [\"a\"]\n[plugins.tokens]\n[plugins.tokens.jobs.x]\n\
         tolerate = [\"no-code-of-besom\", \"b\"]\n[plugins.tokens.jobs.y]\ntolerate = []\n",
    )
    .unwrap();
    let tolerated = |job: &str| config.job(&JobName::new("tokens", job)).unwrap().tolerate;
    assert_eq!(tolerated("x"), ["no-code-of-besom", "b"]);
    assert!(tolerated("y").is_empty());
    assert_eq!(tolerated("z"), ["a"]);
    refused(
        "[defaults]\ntolerate = \"a\"\n",
        &["defaults.tolerate", "a list of names"],
    );
}

#[test]
fn a_misspelt_code_that_is_to_be_tolerated_is_refused_with_the_one_that_was_meant() {
    refused(
        "[plugins.tokens]\n[plugins.tokens.jobs.x]\ntolerate = [\"b\", \"unindexed-foriegn-key\"]\n",
        &[
            "plugins.tokens.jobs.x.tolerate",
            "`unindexed-foriegn-key`; did you mean `unindexed-foreign-key`?",
        ],
    );
}

#[test]
fn a_job_of_the_files_own_has_every_key_and_not_those_of_the_job_that_it_is_like() {
    let text = "[plugins.tokens]\nsettings = { profile = \"all\" }\n\
        [plugins.tokens.jobs.refresh-tokens]\nbatch-size = 7\nsettings = { retention = \"1d\" }\n\
        [plugins.tokens.jobs.api-tokens]\nlike = \"refresh-tokens\"\nschedule = \"30 4 * * *\"\n\
        max-rows-per-run = 9\ntolerate = [\"never-eligible\"]\nsettings = { refresh-tokens-table = \"t\" }\n";
    let config = parse_in(
        &format!("{DATABASE}{text}"),
        [
            (
                "BESOM_PLUGINS__TOKENS__JOBS__API_TOKENS__SETTINGS__RETENTION",
                "3d",
            ),
            ("BESOM_PLUGINS__TOKENS__JOBS__API_TOKENS__DEADLINE", "9m"),
            (
                "BESOM_PLUGINS__TOKENS__JOBS__OF_A_VARIABLE__LIKE",
                "refresh-tokens",
            ),
        ],
    )
    .unwrap();

    let jobs = &config.plugins["tokens"].jobs;
    let like = jobs["api-tokens"].like.clone().unwrap();
    assert_eq!((like.job.as_str(), like.place.line), ("refresh-tokens", 9));
    assert_eq!(jobs["refresh-tokens"].like, None);
    let of_a_variable = jobs["of-a-variable"].like.clone().unwrap();
    assert_eq!(of_a_variable.job, "refresh-tokens");
    let job = config.job(&JobName::new("tokens", "api-tokens")).unwrap();
    assert_eq!((job.batch_size, job.max_rows), (DEFAULT_BATCH_SIZE, 9));
    assert_eq!(job.deadline, Duration::from_secs(9 * 60));
    assert_eq!(job.plugin_settings["profile"].as_str(), Some("all"));
    assert_eq!(job.job_settings["retention"].as_str(), Some("3d"));
    assert_eq!(job.job_settings["refresh-tokens-table"].as_str(), Some("t"));
    assert_eq!(job.schedule.unwrap().to_string(), "30 4 * * *");
}

#[test]
fn a_job_that_is_like_what_it_cannot_be_like_is_refused() {
    let own = |name: &str, like: &str| {
        format!("[plugins.tokens]\n[plugins.tokens.jobs.{name}]\nlike = {like}\n")
    };
    refused(
        &own("a", "\"a\""),
        &[":5: plugins.tokens.jobs.a.like", "cannot be like itself"],
    );
    refused(
        &own("a", "\"tokens/refresh-tokens\""),
        &[":5: ", "of the same plugin", "like = \"refresh-tokens\""],
    );
    refused(&own("a", "\"\""), &["`` is no job's name"]);
    refused(&own("a", "\"Refresh Tokens\""), &["is no job's name"]);
    refused(&own("a", "true"), &["a string such as"]);
    refused(
        &own("A_b", "\"refresh-tokens\""),
        &[":4: plugins.tokens.jobs.A_b", "a-z, 0-9 and hyphens"],
    );
    let chain = own("a", "\"b\"") + "[plugins.tokens.jobs.b]\nlike = \"refresh-tokens\"\n";
    refused(
        &chain,
        &[
            ":5: plugins.tokens.jobs.a.like",
            "`b` is itself like `refresh-tokens`",
            "write like = \"refresh-tokens\"",
        ],
    );
    refused(
        "[plugins.tokens]\nlike = \"refresh-tokens\"\n",
        &[":4: plugins.tokens.like"],
    );
}
