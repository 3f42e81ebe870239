//! The examples run, and print what they say.

use std::path::PathBuf;
use std::process::Command;

/// The built example. `cargo test` builds examples; `cargo test --test examples` does not, so one
/// that is missing, or older than this test, is built here.
fn binary(example: &str) -> PathBuf {
    let me = std::env::current_exe().expect("a path of this test");
    let profile = me.ancestors().nth(2).expect("target/<profile>/deps/<test>");
    let path = profile.join("examples").join(format!("{example}{}", std::env::consts::EXE_SUFFIX));
    let made = |path: &PathBuf| std::fs::metadata(path).and_then(|m| m.modified()).ok();
    if made(&path) < made(&me) {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--example", example]);
        if profile.ends_with("release") {
            build.arg("--release");
        }
        build.current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(build.status().expect("cargo").success(), "example `{example}` doesn't compile");
    }
    path
}

fn output(example: &str) -> String {
    let output = Command::new(binary(example)).output().expect("a program");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "example `{example}`: {errors}");
    assert_eq!(errors, "", "example `{example}`");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn embed() {
    assert_eq!(output("embed"), "Suspicious{user: ann, at: 5000}\n");
    let text = include_str!("../examples/embed.rs");
    assert!(text.lines().count() <= 25, "it says that it has twenty lines");
}

#[test]
fn fraud() {
    // The payment in Brazil meets each of the four in Germany, and is the fifth within the minute:
    // four before the restart count, too.
    let travel = "Travel: 4711, DE, BR\n".repeat(4);
    assert_eq!(output("fraud"), travel + "Velocity: 4711, 5, 940.0\n");
}

#[test]
fn custom() {
    let out = "Out{km: 871, product: 3.0}\nOut{km: 929, product: 9.0}\n";
    assert_eq!(output("custom"), out);
}
