//! Damaged snapshots are refused.

use foreshock::{App, AppOptions, Error, Value};

use super::mutate::Random;
use super::support::workers;
use super::{scaled, seeds};

/// Damaged snapshots of each application by default.
const DAMAGED: usize = 60;

/// An application with something in its state, and its snapshot.
fn snapshot_of(text: &str) -> Option<Vec<u8>> {
    let engine = foreshock::Engine::with_log(drop);
    let app = engine.app(text, AppOptions::default()).ok()?;
    for i in 0..12i64 {
        for stream in app.streams() {
            let row = stream.schema.fields().iter().map(|f| value(f.data_type(), i)).collect();
            let row: Vec<Value> = row;
            // A named window has no entrance.
            let Ok(input) = app.input(&stream.name) else { continue };
            input.send_at(1_000 + i * 7, row).ok()?;
        }
        app.advance_to(1_000 + i * 7).ok()?;
    }
    app.snapshot().ok()
}

fn value(ty: &arrow::datatypes::DataType, i: i64) -> Value {
    use arrow::datatypes::DataType;
    match ty {
        _ if i % 7 == 6 => Value::Null,
        DataType::Int32 => Value::Int(i as i32 % 3),
        DataType::Int64 => Value::Long(1_000 + i * 7),
        DataType::Float32 => Value::Float(i as f32),
        DataType::Float64 => Value::Double(i as f64 / 3.0),
        DataType::Boolean => Value::Bool(i % 2 == 0),
        DataType::Utf8View => {
            Value::String(["a", "a longer text than fits", "b"][i as usize % 3].into())
        }
        _ => Value::Long(i),
    }
}

/// Does `job` with many applications; its complaints are the test's.
fn with_each(job: impl Fn(&str) -> Result<(), String> + Sync) {
    let mut texts = seeds::all();
    texts.retain(|t| foreshock::compile(t).is_ok());
    // The corpus repeats itself: every tenth of it is enough by default.
    let step = if scaled(1) > 1 { 1 } else { 10 };
    let (own, corpus) = texts.split_at(40.min(texts.len()));
    let texts: Vec<&String> = own.iter().chain(corpus.iter().step_by(step)).collect();
    let faults = workers::each(
        &texts,
        |t| t.to_string(),
        |text| {
            let done = workers::guarded(|| job(text));
            done.and_then(|done| done).err().map(|why| format!("{why}\n{text}"))
        },
    );
    let faults: Vec<String> = faults.into_iter().flatten().collect();
    let shown = faults.iter().take(8).cloned().collect::<Vec<_>>().join("\n\n");
    assert!(faults.is_empty(), "{} faults\n{shown}", faults.len());
}

/// `whole` with one fault.
fn damaged(whole: &[u8], i: usize, random: &mut Random) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    let at = random.below(bytes.len());
    match i % 5 {
        0 | 1 => bytes[at] ^= 1 << random.below(8),
        2 => bytes.truncate(at),
        3 => bytes.insert(at, random.next() as u8),
        _ => bytes[at] = !bytes[at],
    }
    bytes
}

#[test]
fn damaged_snapshots_are_refused() {
    with_each(|text| {
        let engine = foreshock::Engine::with_log(drop);
        let Some(whole) = snapshot_of(text) else { return Ok(()) };
        let undamaged = engine.restore(text, AppOptions::default(), &whole);
        undamaged.map_err(|e| format!("undamaged: {e}"))?;
        let mut random = Random::new(whole.len() as u64);
        for i in 0..scaled(DAMAGED) {
            let bytes = damaged(&whole, i, &mut random);
            match engine.restore(text, AppOptions::default(), &bytes) {
                Err(Error::Snapshot(_)) => {}
                Err(other) => return Err(format!("another error: {other}")),
                Ok(_) if bytes == whole => {}
                Ok(_) => return Err("a damaged snapshot was taken".into()),
            }
        }
        Ok(())
    });
}

#[test]
fn a_snapshot_of_another_application_is_refused() {
    let one = "define stream S (a int); from S#window.length(2) select sum(a) as s insert into O;";
    let snapshot = snapshot_of(one).expect("a snapshot");
    for other in [
        "define stream S (a long); from S#window.length(2) select sum(a) as s insert into O;",
        "define stream S (a int); from S#window.length(3) select sum(a) as s insert into O;",
        "define stream S (a int); from S#window.lengthBatch(2) select sum(a) as s insert into O;",
        "define stream S (a int); from S#window.length(2) select max(a) as s insert into O;",
        "define stream S (a int); from S#window.length(2) select sum(a) as s group by a insert into O;",
        "define stream S (a int); from S[a > 1]#window.length(2) select sum(a) as s insert into O;",
        "define stream S (a int);",
    ] {
        let restored = App::restore(other, AppOptions::default(), &snapshot);
        assert!(matches!(restored, Err(Error::Snapshot(_))), "{other}");
    }
    for noise in [&[][..], &[0][..], &[255; 100][..]] {
        let restored = App::restore(one, AppOptions::default(), noise);
        assert!(matches!(restored, Err(Error::Snapshot(_))));
    }
}
