//! `foreshock generate` as a process, and that the rules find the fraud it hides.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// Exit code, standard output and standard error.
fn foreshock(directory: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foreshock"));
    let output = command.args(arguments).current_dir(directory).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

fn done(directory: &Path, arguments: &[&str]) -> String {
    let (code, out, err) = foreshock(directory, arguments);
    assert_eq!((code, err.as_str()), (0, ""), "{arguments:?}");
    out
}

/// The records of a CSV file, by column.
fn records(path: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

#[test]
fn every_workload_goes_to_every_format() {
    let dir = TempDir::new().unwrap();
    let streams = [
        ("ticks", "ts long, symbol string, price double, volume long"),
        (
            "cards",
            "time long, id string, card string, amount double, merchant string, city string, \
                   latitude double, longitude double, label string, episode long",
        ),
        ("logins", "time long, user string, ip string, ok bool, label string, episode long"),
        ("sensors", "time long, sensor string, rack string, temperature double, label string"),
    ];
    for (kind, attributes) in streams {
        let app = format!("define stream S ({attributes}); from S select * insert into Out;");
        std::fs::write(dir.path().join("copy.siddhi"), app).unwrap();
        let common = ["--events", "500", "--keys", "20", "--seed", "7", "--disorder", "1000"];
        let arguments = |file| [&["generate", kind, file][..], &common].concat();
        done(dir.path(), &arguments("0.csv"));
        let golden = std::fs::read_to_string(dir.path().join("0.csv")).unwrap();
        assert_eq!(golden.lines().count(), 501);
        for file in ["1.jsonl", "1.parquet", "1.arrow", "1.arrows"] {
            done(dir.path(), &arguments(file));
            let input = format!("S={file}");
            let back = [
                "run",
                "copy.siddhi",
                "-q",
                "--input",
                &input,
                "--output",
                "Out=-",
                "--format",
                "csv",
            ];
            assert_eq!(done(dir.path(), &back), golden, "{kind}, {file}");
        }
        let stdout = [&arguments("-")[..], &["--format", "csv"]].concat();
        assert_eq!(done(dir.path(), &stdout), golden, "{kind}");
    }
}

#[test]
fn mistakes_are_told() {
    let dir = TempDir::new().unwrap();
    for (arguments, said) in [
        (&["generate", "card", "x.csv"][..], "did you mean `cards`?"),
        (&["generate", "cards", "x.parqet"], "did you mean .parquet?"),
        (&["generate", "cards", "-"], "`-` needs --format"),
        (&["generate", "cards", "x.csv", "--rate", "0"], "it must be a number above 0"),
        (&["generate", "cards", "x.csv", "--keys", "0"], "--keys"),
    ] {
        let (code, out, err) = foreshock(dir.path(), arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}: {err}");
        assert!(err.contains(said), "{arguments:?}: {err}");
    }
    let (code, _, err) = foreshock(dir.path(), &["generate", "cards", "no/such/x.csv"]);
    assert_eq!(code, 3);
    assert!(err.contains("can't create `no/such/x.csv`"), "{err}");
}

/// How well the alerts of one rule meet the episodes of one kind of fraud.
#[derive(Debug, PartialEq)]
struct Found {
    /// Payments alerted.
    alerts: usize,
    /// Those of them that belong to fraud of the kind.
    right: usize,
    /// Episodes of the kind.
    episodes: usize,
    /// Those of them with an alert.
    found: usize,
}

#[test]
fn the_rules_for_cards_find_the_labelled_fraud() {
    let dir = TempDir::new().unwrap();
    done(dir.path(), &["generate", "cards", "payments.csv", "--events", "40000"]);
    let payments = records(&dir.path().join("payments.csv"));
    let by_id: BTreeMap<&str, _> = payments.iter().map(|p| (p["id"].as_str(), p)).collect();
    let app = Path::new(env!("CARGO_MANIFEST_DIR")).join("queries/card_fraud.siddhi");
    let rules =
        [("Velocity", "velocity"), ("ImpossibleTravel", "travel"), ("CardTesting", "testing")];
    let mut arguments: Vec<String> = ["run", app.to_str().unwrap(), "-q"].map(String::from).into();
    arguments
        .extend(["--input", "Payments=payments.csv", "--time", "Payments=time"].map(Into::into));
    for stream in rules.iter().map(|r| r.0).chain(["CompromisedMerchants"]) {
        arguments.extend(["--output".into(), format!("{stream}={stream}.csv")]);
    }
    done(dir.path(), &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let found = rules.map(|(stream, label)| {
        let alerts = records(&dir.path().join(format!("{stream}.csv")));
        let alerted: BTreeSet<&str> = alerts.iter().map(|a| a["id"].as_str()).collect();
        let right = alerted.iter().map(|id| by_id[id]).filter(|p| p["label"] == label);
        let right: Vec<&str> = right.map(|p| p["episode"].as_str()).collect();
        let episodes = payments.iter().filter(|p| p["label"] == label).map(|p| &p["episode"]);
        Found {
            alerts: alerted.len(),
            right: right.len(),
            episodes: episodes.collect::<BTreeSet<_>>().len(),
            found: right.iter().collect::<BTreeSet<_>>().len(),
        }
    });
    let of = |alerts, right, episodes, found| Found { alerts, right, episodes, found };
    // Velocity: bursts of three and four payments are too short to be told. Travel: the owner's next
    // payment at home looks like travel, too. Testing: a few owners buy three things of just these prices.
    assert_eq!(found, [of(24, 24, 35, 24), of(61, 30, 35, 30), of(36, 33, 33, 33)]);
    // Those that leaked in the first six days (one a day), and three that four victims happened to visit.
    let compromised = records(&dir.path().join("CompromisedMerchants.csv"));
    let merchants: BTreeSet<&str> = compromised.iter().map(|c| c["merchant"].as_str()).collect();
    let leaked = ["m0051", "m0054", "m0035", "m0020", "m0029", "m0076"];
    let expected = leaked.into_iter().chain(["m0011", "m0078", "m0095"]);
    assert_eq!(merchants, expected.collect::<BTreeSet<_>>());
}
