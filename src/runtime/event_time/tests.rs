//! The stage by examples: what leaves when, what is late, who is waited for.

use std::sync::{Arc, Mutex};

use crate::event::Value;
use crate::runtime::{App, AppOptions, Events};

/// An application whose output is kept as text.
struct Run {
    app: App,
    text: String,
    seen: Arc<Mutex<Vec<String>>>,
}

fn line(e: &Events) -> Vec<String> {
    let row = |r: usize| {
        let values: Vec<String> = (0..e.batch().columns.num_columns())
            .map(|c| match Value::from_array(e.batch().columns.column(c).as_ref(), r) {
                Value::Null => "-".into(),
                Value::Long(v) => v.to_string(),
                Value::Int(v) => v.to_string(),
                Value::String(v) => v.to_string(),
                other => format!("{other:?}"),
            })
            .collect();
        let moment = e.batch().moment(r);
        format!("{} {}@{}", e.name(), values.join(","), moment.at)
    };
    (0..e.rows()).map(row).collect()
}

impl Run {
    fn new(text: &str, streams: &[&str]) -> Run {
        let app = App::from_text(text).unwrap();
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let run = Run { app, text: text.into(), seen };
        run.listen(streams);
        run
    }

    fn listen(&self, streams: &[&str]) {
        for s in streams {
            let seen = Arc::clone(&self.seen);
            self.app.subscribe(s, move |e| seen.lock().unwrap().extend(line(e))).unwrap();
        }
    }

    fn send(&self, stream: &str, ts: i64, n: i32) {
        self.app.input(stream).unwrap().send_at(0, (Value::Long(ts), n)).unwrap();
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

const ONE: &str = "
    @watermark(attribute='ts', delay='5 millisec', late='stream', max.ahead='100 millisec')
    define stream S (ts long, n int);
    from S select ts, n insert into O;
    from !!S select ts, n, _lateness, _reason insert into L;";

#[test]
fn rows_leave_in_order_when_the_watermark_passes_them() {
    let r = Run::new(ONE, &["O", "L"]);
    r.send("S", 100, 0);
    assert!(r.take().is_empty());
    // Nothing was let through yet, so this one is in time.
    r.send("S", 92, 1);
    assert_eq!(r.take(), ["O 92,1@92"]);
    r.send("S", 94, 2);
    r.send("S", 95, 3);
    assert_eq!(r.take(), ["L 94,2,1,late@95", "O 95,3@95"]);
    r.send("S", 98, 4);
    r.send("S", 98, 5);
    r.send("S", 300, 6);
    assert_eq!(r.take(), ["L 300,6,-200,ahead@95"]);
    r.send("S", 110, 7);
    assert_eq!(r.take(), ["O 98,4@98", "O 98,5@98", "O 100,0@100"]);
    r.app.input("S").unwrap().send_at(0, (Value::Null, 8)).unwrap();
    assert_eq!(r.take(), ["L -,8,-,no time@105"]);
    let stats = r.app.stats().event_time.unwrap();
    let s = &stats.streams[0];
    assert_eq!((s.late, s.ahead, s.untimed, s.waiting, s.lag), (1, 1, 1, 1, Some(5)));
    assert_eq!((stats.held_by.as_deref(), stats.watermark), (Some("S"), Some(105)));
    assert_eq!((s.lateness.p50, s.lateness.max), (1, 1));
    r.app.shutdown().unwrap();
    assert_eq!(r.take(), ["O 110,7@110"]);
}

#[test]
fn late_rows_are_dropped_or_adjusted() {
    for (late, expected) in [("drop", vec![]), ("adjust", vec!["O 90,3@95"])] {
        let text = format!(
            "@watermark(attribute='ts', delay='5 millisec', late='{late}')
             define stream S (ts long, n int);
             from S select ts, n insert into O;"
        );
        let r = Run::new(&text, &["O"]);
        for (ts, n) in [(95, 1), (100, 2), (90, 3)] {
            r.send("S", ts, n);
        }
        let mut all = vec!["O 95,1@95"];
        all.extend(expected);
        assert_eq!(r.take(), all, "{late}");
        assert_eq!(r.app.stats().event_time.unwrap().streams[0].late, 1);
    }
}

const TWO: &str = "
    @watermark(attribute='ts', delay='5 millisec', idle='1 sec') define stream A (ts long, n int);
    @watermark(attribute='ts', delay='0 millisec', idle='1 sec') define stream B (ts long, n int);
    define stream P (ts long, n int);
    from A select ts, n insert into O;
    from B select ts, n insert into O;
    from P select ts, n insert into O;";

#[test]
fn time_waits_for_every_stream_and_streams_without_a_watermark_do_not_wait() {
    let r = Run::new(TWO, &["O"]);
    // There is no time yet.
    r.send("P", 7, 0);
    r.send("A", 100, 1);
    r.send("A", 95, 2);
    assert!(r.take().is_empty());
    r.send("B", 95, 3);
    // Equal times: by arrival.
    assert_eq!(r.take(), ["O 7,0@95", "O 95,2@95", "O 95,3@95"]);
    r.send("P", 7, 4);
    assert_eq!(r.take(), ["O 7,4@95"]);
    // A plain row's own time doesn't move the clock.
    r.app.input("P").unwrap().send_at(1000, (7i64, 5)).unwrap();
    assert_eq!(r.take(), ["O 7,5@95"]);
    r.send("B", 200, 6);
    r.app.advance_to(10_000).unwrap();
    r.app.advance_to(10_500).unwrap();
    r.send("B", 210, 7);
    assert!(r.take().is_empty());
    // A has been silent for a second.
    r.app.advance_to(11_000).unwrap();
    assert_eq!(r.take(), ["O 100,1@100", "O 200,6@200", "O 210,7@210"]);
    assert_eq!(r.app.stats().event_time.unwrap().held_by.as_deref(), Some("B"));
    // It comes back: what it is late with is late, the rest is waited for.
    r.send("A", 150, 8);
    r.send("A", 212, 9);
    assert_eq!(r.app.stats().event_time.unwrap().streams[0].late, 1);
    r.send("B", 300, 10);
    assert!(r.take().is_empty());
    r.app.input("A").unwrap().end().unwrap();
    assert_eq!(r.take(), ["O 212,9@212", "O 300,10@300"]);
}

#[test]
fn partitions_of_a_source_are_waited_for_one_by_one() {
    let r = Run::new(ONE, &["O"]);
    let part = |n| r.app.input("S").unwrap().partition(n);
    let (a, b) = (part(1), part(2));
    a.send_at(0, (100i64, 1)).unwrap();
    a.send_at(0, (110i64, 2)).unwrap();
    assert!(r.take().is_empty());
    b.send_at(0, (50i64, 3)).unwrap();
    b.send_at(0, (60i64, 4)).unwrap();
    assert_eq!(r.take(), ["O 50,3@50"]);
    b.end().unwrap();
    assert_eq!(r.take(), ["O 60,4@60", "O 100,1@100"]);
}

#[test]
fn too_many_waiting_rows_are_an_error_that_says_who_is_waited_for() {
    let text = TWO.replace("idle='1 sec') define stream A", "buffer.rows='2') define stream A");
    let r = Run::new(&text, &["O"]);
    r.send("A", 1, 1);
    r.send("A", 2, 2);
    let a = r.app.input("A").unwrap();
    let e = a.send_at(0, (3i64, 3)).unwrap_err().to_string();
    assert!(e.contains("more than 2 rows of `A`") && e.contains("`B` holds it back"), "{e}");
    // It takes nothing more, until the other stream moves.
    assert!(a.send_at(0, (4i64, 4)).is_err());
    r.send("B", 10, 5);
    assert_eq!(r.app.stats().event_time.unwrap().streams[0].waiting, 3);
    a.end().unwrap();
    assert_eq!(r.take(), ["O 1,1@1", "O 2,2@2", "O 3,3@3", "O 10,5@10"]);
}

#[test]
fn waiting_rows_are_part_of_a_snapshot() {
    let whole = |restore: bool| {
        let mut r = Run::new(TWO, &["O"]);
        let mut seen = vec![];
        let rows = [("P", 1), ("A", 100), ("A", 97), ("B", 96), ("P", 5), ("B", 99), ("A", 104)];
        for (n, (stream, ts)) in rows.into_iter().enumerate() {
            r.send(stream, ts, n as i32);
            let chunk = vec![(0, (Value::Long(ts), 50)), (0, (Value::Long(ts + 1), 51))];
            r.app
                .input(stream)
                .unwrap()
                .send_chunk(chunk.into_iter().map(|(t, (a, b))| (t, vec![a, Value::Int(b)])))
                .unwrap();
            if restore {
                let bytes = r.app.snapshot().unwrap();
                seen.extend(r.take());
                let app = App::restore(&r.text, AppOptions::default(), &bytes).unwrap();
                r = Run { app, text: r.text.clone(), seen: Arc::default() };
                r.listen(&["O"]);
            }
        }
        r.app.shutdown().unwrap();
        seen.extend(r.take());
        seen
    };
    let plain = whole(false);
    assert_eq!(plain.len(), 21);
    assert_eq!(whole(true), plain);
}
