//! Sources and sinks of applications, connected and run.

use std::sync::{Arc, Mutex};

use super::*;
use crate::io::format::{Format, Input, ReadOptions};
use crate::runtime::{AppOptions, Engine, Events};

type Seen = Arc<Mutex<Vec<String>>>;

/// What a stream brings, as text, a chunk a line.
fn watch(app: &App, stream: &str) -> Seen {
    let seen = Seen::default();
    let to = Arc::clone(&seen);
    let line = |e: &Events, r: usize| format!("{}:{:?}", e.ts(r), e.row(r));
    app.subscribe(stream, move |e| {
        for chunk in e.chunk_ranges() {
            let chunk: Vec<String> = chunk.map(|r| line(e, r)).collect();
            lock(&to).push(chunk.join(" "));
        }
    })
    .unwrap();
    seen
}

fn seen(seen: &Seen) -> Vec<String> {
    lock(seen).clone()
}

fn text(name: &str, text: &str) -> Input {
    let read = Box::new(std::io::Cursor::new(text.to_string()));
    Input::Reader { name: name.into(), read, live: false }
}

fn timed(column: &str) -> ReadOptions {
    ReadOptions { time: Some(column.into()), ..ReadOptions::new(Format::Csv) }
}

#[test]
fn a_topic_carries_events_with_times_and_chunks() {
    let engine = Engine::new();
    let from = "define stream In (a int); @sink(type='inMemory', topic='t')
                define stream Out (a int); from In select a insert into Out;";
    let to = "@source(type='inMemory', topic='t', @map(type='passThrough'))
              define stream S (b int); from S select b insert into T;";
    let (from, to) = (
        engine.app(from, AppOptions::default()).unwrap(),
        engine.app(to, AppOptions::default()).unwrap(),
    );
    let t = watch(&to, "T");
    let input = from.input("In").unwrap();
    input.send_at(1, (1,)).unwrap(); // nobody is connected yet
    from.start().unwrap();
    to.start().unwrap();
    to.start().unwrap(); // changes nothing
    input.send_at(5, (2,)).unwrap();
    input.send_chunk([(6, (3,)), (7, (4,))]).unwrap();
    to.shutdown().unwrap();
    input.send_at(8, (5,)).unwrap(); // nobody listens any more
    assert_eq!(seen(&t), ["5:[Int(2)]", "6:[Int(3)] 7:[Int(4)]"]);
}

#[test]
fn an_application_may_feed_itself_through_a_topic_in_any_batches() {
    let app = "@source(type='inMemory', topic='back')
               define stream Back (n int);
               define stream In (t long, n int);
               @sink(type='inMemory', topic='back') define stream Next (n int);
               from In select n insert into All; from Back select n insert into All;
               from All[n > 0] select n - 1 as n insert into Next;";
    for batch_rows in [1, 3, 100] {
        let app =
            App::from_text_with(app, AppOptions { batch_rows, ..AppOptions::default() }).unwrap();
        let all = watch(&app, "All");
        let mut runner = app.runner();
        runner.read("In", text("in", "t,n\n1,2\n2,0\n3,1\n"), timed("t")).unwrap();
        runner.run().unwrap();
        let expected = ["1:[Int(2)]", "1:[Int(1)]", "1:[Int(0)]", "2:[Int(0)]", "3:[Int(1)]"];
        assert_eq!(seen(&all)[..5], expected, "{batch_rows}");
    }
}

#[test]
fn sources_are_merged_by_time_and_bad_rows_keep_their_place() {
    let app = "@OnError(action='STREAM') define stream A (t long, n int);
               define stream B (t long, n int);
               from A select n, 'A' as s insert into Out; from B select n, 'B' as s insert into Out;
               from !A select n, 'bad' as s insert into Out;";
    for batch_rows in [1, 2, 7, 8192] {
        let options = AppOptions { batch_rows, ..AppOptions::default() };
        let app = App::from_text_with(app, options).unwrap();
        let out = watch(&app, "Out");
        let fault = watch(&app, "!A");
        let mut runner = app.runner();
        let a = "t,n\n1,1\nx,2\n5,3\n4,4\n9,5\n";
        runner.read("A", text("a", a), timed("t")).unwrap();
        runner.read("B", text("b", "t,n\n1,10\n4,20\n5,30\n6,y\n"), timed("t")).unwrap();
        runner.run().unwrap();
        let of = |r: &str| r.replace("String(\"", "").replace("\")", "");
        let out: Vec<String> = seen(&out).iter().map(|r| of(r)).collect();
        let expected = [
            "1:[Int(1), A]",
            "1:[Null, bad]",
            "1:[Int(10), B]",
            "4:[Int(20), B]",
            "5:[Int(3), A]",
            "4:[Int(4), A]",
            "5:[Int(30), B]",
            "9:[Int(5), A]",
        ];
        assert_eq!(out, expected, "{batch_rows}");
        let fault = seen(&fault);
        assert!(fault.len() == 1 && fault[0].contains("line 3: "), "{fault:?}");
        assert!(fault[0].contains(": x,2"), "{fault:?}");
        let report = runner.report();
        let (a, b) = (&report.sources[0], &report.sources[1]);
        assert_eq!((a.rows, a.rejected, a.out_of_order, a.furthest_behind), (4, 1, 1, 1));
        assert_eq!((b.rows, b.rejected, b.out_of_order), (3, 1, 0));
        assert_eq!(b.first_rejected[0].line, 5);
        assert_eq!((report.clock, report.event_time, report.stopped), (9, true, false));
        assert_eq!(app.stats().rejected, [("A".to_string(), 1), ("B".to_string(), 1)]);
    }
}

#[test]
fn the_clock_stops_at_the_last_event() {
    let app = App::from_text(
        "define stream S (t long); from S#window.timeBatch(10 milliseconds) select count() as n insert into T;",
    )
    .unwrap();
    let t = watch(&app, "T");
    let mut runner = app.runner();
    runner.read("S", text("s", "t\n0\n3\n12\n"), timed("t")).unwrap();
    runner.run().unwrap();
    assert_eq!(seen(&t).len(), 1, "the batch of the last event never ends");
    assert_eq!((runner.report().clock, runner.report().next_timer), (12, Some(20)));
}

#[test]
fn declared_files_run_beside_the_application() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("in.csv"), "t,n\n1,1\n2,\n3,x\n").unwrap();
    let app = "@source(type='file', path='in.csv', time='t') define stream S (t long, n int);
               @sink(type='file', @map(type='json'), path='out.txt') define stream T (n int);
               from S select n insert into T;";
    let options = AppOptions { directory: directory.path().into(), ..AppOptions::default() };
    let app = App::from_text_with(app, options).unwrap();
    let report = app.run().unwrap();
    assert_eq!((report.rows(), report.rejected()), (2, 1));
    assert_eq!((report.sinks[0].rows, report.sinks[0].kind.as_str()), (2, "file"));
    assert!(report.sources[0].name.ends_with("in.csv"));
    let out = std::fs::read_to_string(directory.path().join("out.txt")).unwrap();
    assert_eq!(out, "{\"n\":1}\n{\"n\":null}\n");
    assert!(matches!(app.input("S").unwrap().send((1i64, 1)), Err(Error::Closed)));
}

#[test]
fn what_cannot_be_opened_is_an_error_and_nothing_is_connected() {
    let app = "define stream S (n int);
               @sink(type='inMemory', topic='t') @sink(type='file', path='no/such/dir/x.csv')
               define stream T (n int); from S select n insert into T;";
    let app = App::from_text(app).unwrap();
    for _ in 0..2 {
        assert!(matches!(app.start(), Err(Error::Io { .. })));
    }
    assert!(app.sink_reports().is_empty());
    let app = "@source(type='file', path='no/such/dir/x.csv', time='t')
               define stream S (t long); from S select t insert into T;";
    assert!(matches!(App::from_text(app).unwrap().run(), Err(Error::Io { .. })));
}

#[test]
fn event_time_needs_a_column_in_every_source() {
    let app = "@app:playback @source(type='file', path='x.csv') define stream S (t long);
               define stream R (t long); from S select t insert into T; from R select t insert into T;";
    let app = App::from_text(app).unwrap();
    let Err(Error::Query(found)) = app.run() else { panic!("which time?") };
    assert!(found[0].message.contains("`S`") && found[0].span.start == 14, "{found:?}");
    let mut runner = app.runner();
    runner.set_time("S", "t").unwrap();
    assert!(runner.event_time().unwrap());
    runner.read("R", text("r", ""), ReadOptions::new(Format::Csv)).unwrap();
    assert!(matches!(runner.event_time(), Err(Error::Name(_))));
    assert!(matches!(runner.set_time("T", "t"), Err(Error::Name(_))));
    assert!(matches!(runner.read("X", text("", ""), timed("t")), Err(Error::Name(_))));
}

/// A sink that fails at every second batch.
struct Flaky(u32);

impl Sink for Flaky {
    fn write(&mut self, _: &EventBatch) -> Result<()> {
        self.0 += 1;
        match self.0 % 2 {
            0 => Err(Error::Data("no".into())),
            _ => Ok(()),
        }
    }
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
    fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

#[test]
fn events_a_sink_cannot_write_fail_or_are_logged_or_go_to_the_fault_stream() {
    let text = "@OnError(action='STREAM') define stream S (n int); from !S select n, convert(_error, 'string') as e insert into T;";
    let made = || {
        let log = Seen::default();
        let to = Arc::clone(&log);
        let engine = Engine::with_log(move |line| lock(&to).push(line.text));
        (engine.app(text, AppOptions::default()).unwrap(), log)
    };
    let (app, log) = made();
    let t = watch(&app, "T");
    app.attach_with("S", "flaky", Box::new(Flaky(0)), OnError::Stream).unwrap();
    let send = |app: &App, n: i32| app.input("S").unwrap().send_at(n.into(), (n,));
    (1..=3).for_each(|n| send(&app, n).unwrap());
    assert_eq!(seen(&t), ["2:[Int(2), String(\"no\")]"]);
    assert_eq!((app.sink_reports()[0].rows, seen(&log).len()), (2, 0));
    let (app, log) = made();
    app.attach_with("S", "flaky", Box::new(Flaky(0)), OnError::Log).unwrap();
    (1..=3).for_each(|n| send(&app, n).unwrap());
    assert_eq!(seen(&log), ["S: no; 1 events are lost"]);
    let (app, _) = made();
    app.attach("S", "flaky", Box::new(Flaky(0))).unwrap();
    assert!(send(&app, 1).is_ok() && send(&app, 2).is_err() && send(&app, 3).is_ok());
}

#[test]
fn a_run_can_be_stopped() {
    let app = App::from_text("define stream S (t long); from S select t insert into T;").unwrap();
    let t = watch(&app, "T");
    let mut runner = app.runner();
    runner.read("S", text("s", "t\n1\n2\n"), timed("t")).unwrap();
    runner.stopper().stop();
    runner.run().unwrap();
    assert!(runner.report().stopped && seen(&t).is_empty());
}

/// A pipe that breaks after its first rows.
struct Broken(bool);

impl std::io::Read for Broken {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let text = b"t\n1\n2\n";
        match std::mem::replace(&mut self.0, true) {
            true => Err(std::io::Error::other("the line is dead")),
            false => {
                into[..text.len()].copy_from_slice(text);
                Ok(text.len())
            }
        }
    }
}

#[test]
fn rows_before_a_failure_of_their_source_count() {
    let app = App::from_text("define stream S (t long); from S select t insert into T;").unwrap();
    let t = watch(&app, "T");
    let mut runner = app.runner();
    let input = Input::Reader { name: "pipe".into(), read: Box::new(Broken(false)), live: true };
    runner.read("S", input, timed("t")).unwrap();
    let failure = runner.run().unwrap_err();
    assert!(failure.to_string().contains("the line is dead"), "{failure}");
    assert_eq!(seen(&t), ["1:[Long(1)]", "2:[Long(2)]"]);
}

#[test]
fn a_dropped_application_does_not_listen() {
    let engine = Engine::new();
    let text = "@source(type='inMemory', topic='t') define stream S (n int);
                @sink(type='inMemory', topic='u') define stream T (n int);
                from S select n insert into T;";
    let app = engine.app(text, AppOptions::default()).unwrap();
    app.start().unwrap();
    let rows = app.input("S").unwrap().schema().clone();
    let rows = arrow::array::RecordBatch::new_empty(rows);
    let count = || engine.broker().publish("t", rows.clone(), vec![].into(), None).unwrap();
    assert_eq!(count(), 1);
    drop(app);
    assert_eq!(count(), 0);
}
