//! A strict reader of the OpenMetrics text format.

use std::collections::{BTreeMap, BTreeSet};

/// The labels of a sample and its value.
pub type Sample = (BTreeMap<String, String>, f64);

/// A family as the text has it.
#[derive(Debug, Default)]
pub struct Family {
    pub kind: String,
    pub help: String,
    pub unit: Option<String>,
    /// By the suffix of the name: `_total`, `_bucket`.
    pub samples: Vec<(String, Sample)>,
}

impl Family {
    /// The sum over the samples with these labels.
    pub fn sum(&self, labels: &[(&str, &str)]) -> Option<f64> {
        let has = |sample: &Sample| {
            labels
                .iter()
                .all(|(name, value)| sample.0.get(*name).is_some_and(|is| is == value))
        };
        let found: Vec<f64> = self
            .samples
            .iter()
            .filter(|(suffix, sample)| {
                (suffix.is_empty() || suffix == "_total" || suffix == "_count") && has(sample)
            })
            .map(|(_, sample)| sample.1)
            .collect();
        (!found.is_empty()).then(|| found.iter().sum())
    }

    /// The names of its labels.
    pub fn labels(&self) -> BTreeSet<&str> {
        let labels = self.samples.iter().flat_map(|(_, sample)| sample.0.keys());
        labels.map(String::as_str).collect()
    }
}

/// Reads a whole text.
///
/// # Panics
/// With the line, where the format is not kept.
pub fn read(text: &str) -> BTreeMap<String, Family> {
    let body = text.strip_suffix("# EOF\n").expect("it ends with # EOF");
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut series = BTreeSet::new();
    let mut open = String::new();
    for line in body.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let (word, rest) = comment.split_once(' ').expect(line);
            let (name, value) = rest.split_once(' ').expect(line);
            assert!(is_name(name), "{line}");
            if name != open {
                assert!(!families.contains_key(name), "a second time: {line}");
                open = name.to_owned();
            }
            let family = families.entry(open.clone()).or_default();
            assert!(family.samples.is_empty(), "behind its samples: {line}");
            match word {
                "HELP" if family.help.is_empty() => family.help = value.to_owned(),
                "TYPE" if family.kind.is_empty() => family.kind = value.to_owned(),
                "UNIT" if family.unit.is_none() => family.unit = Some(value.to_owned()),
                _ => panic!("{line}"),
            }
            continue;
        }
        let (name, labels, value) = sample(line);
        assert!(
            series.insert((name.clone(), labels.clone())),
            "twice: {line}"
        );
        let suffix = name.strip_prefix(&open).expect(line);
        let family = families.get_mut(&open).expect(line);
        let suffixes: &[&str] = match family.kind.as_str() {
            "counter" => &["_total"],
            "gauge" => &[""],
            "histogram" => &["_bucket", "_sum", "_count"],
            other => panic!("a {other}: {line}"),
        };
        assert!(suffixes.contains(&suffix), "of a {}: {line}", family.kind);
        family.samples.push((suffix.to_owned(), (labels, value)));
    }
    for (name, family) in &families {
        assert!(!family.help.is_empty(), "{name} has no HELP");
        assert!(!family.kind.is_empty(), "{name} has no TYPE");
        if let Some(unit) = &family.unit {
            assert!(name.ends_with(&format!("_{unit}")), "{name} in {unit}");
        }
        if family.kind == "histogram" {
            check_buckets(name, family);
        }
    }
    families
}

/// Each bucket holds those below it, and the last one all.
fn check_buckets(name: &str, family: &Family) {
    let mut counts: BTreeMap<BTreeMap<String, String>, f64> = BTreeMap::new();
    let mut last = BTreeMap::new();
    for (suffix, (labels, value)) in &family.samples {
        let mut of = labels.clone();
        let le = of.remove("le");
        match suffix.as_str() {
            "_bucket" => {
                let le = le.expect(name).replace("+Inf", "inf");
                let le: f64 = le.parse().expect(name);
                if let Some((before, held)) = last.insert(of, (le, *value)) {
                    assert!(before < le && held <= *value, "buckets of {name}");
                }
            }
            "_count" => drop(counts.insert(of, *value)),
            _ => {}
        }
    }
    let last: BTreeMap<_, _> = last
        .into_iter()
        .map(|(of, (le, held))| {
            assert!(le.is_infinite(), "{name} has no last bucket");
            (of, held)
        })
        .collect();
    assert_eq!(last, counts, "{name}");
}

fn sample(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let (series, value) = line.rsplit_once(' ').expect(line);
    let value = value.parse().expect(line);
    let Some((name, rest)) = series.split_once('{') else {
        assert!(is_name(series), "{line}");
        return (series.to_owned(), BTreeMap::new(), value);
    };
    assert!(is_name(name), "{line}");
    let mut rest = rest.strip_suffix('}').expect(line);
    let mut labels = BTreeMap::new();
    while !rest.is_empty() {
        let (label, after) = rest.split_once("=\"").expect(line);
        assert!(is_name(label), "{line}");
        let mut value = String::new();
        let mut characters = after.char_indices();
        let end = loop {
            match characters.next().expect(line) {
                (at, '"') => break at + 1,
                (_, '\\') => match characters.next().expect(line).1 {
                    'n' => value.push('\n'),
                    escaped @ ('\\' | '"') => value.push(escaped),
                    _ => panic!("{line}"),
                },
                (_, other) => value.push(other),
            }
        };
        assert!(labels.insert(label.to_owned(), value).is_none(), "{line}");
        rest = &after[end..];
        if let Some(more) = rest.strip_prefix(',') {
            assert!(!more.is_empty(), "{line}");
            rest = more;
        } else {
            assert!(rest.is_empty(), "{line}");
        }
    }
    (name.to_owned(), labels, value)
}

fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    let first = characters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
