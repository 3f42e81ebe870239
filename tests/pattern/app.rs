//! Absent streams in whole applications: other inputs than streams, playback, snapshots between timers,
//! limits.

use std::sync::{Arc, Mutex};

use foreshock::{App, AppOptions, ClockMode, Error, Events, Value};

fn listen(app: &App, stream: &str) -> Arc<Mutex<Vec<String>>> {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let sink = Arc::clone(&told);
    let note = move |e: &Events| {
        for row in 0..e.rows() {
            let data: Vec<String> = e.row(row).iter().map(ToString::to_string).collect();
            sink.lock().unwrap().push(format!("{} @{}", data.join(" "), e.ts(row)));
        }
    };
    app.subscribe(stream, note).unwrap();
    told
}

/// Sends `(at, stream, value)`; no stream: the clock moves. Gives what `O` gets, however the rows are cut
/// and wherever the application is restored.
fn run(text: &str, clock: ClockMode, acts: &[(i64, &str, i32)]) -> Vec<String> {
    let ways = [
        (1, false, None),
        (1, true, None),
        (100, false, None),
        (1, false, Some(1)),
        (3, false, Some(2)),
    ];
    let mut results = ways.map(|(batch_rows, row_by_row, restore)| {
        let options =
            AppOptions { batch_rows, row_by_row, clock: Some(clock), ..AppOptions::default() };
        let mut app = App::from_text_with(text, options.clone()).unwrap();
        let mut told = listen(&app, "O");
        let mut out = vec![];
        for (i, (at, stream, v)) in acts.iter().enumerate() {
            if clock == ClockMode::Live {
                app.advance_to(*at).unwrap();
            }
            if !stream.is_empty() {
                app.input(stream).unwrap().send_at(*at, vec![Value::Int(*v)]).unwrap();
            }
            if restore.is_some_and(|n| i % n == 0) {
                app.flush().unwrap();
                let snapshot = app.snapshot().unwrap();
                out.append(&mut told.lock().unwrap());
                app = App::restore(text, options.clone(), &snapshot).unwrap();
                told = listen(&app, "O");
            }
        }
        app.flush().unwrap();
        out.append(&mut told.lock().unwrap());
        out
    });
    let first = std::mem::take(&mut results[0]);
    for (way, other) in ways.iter().zip(&results).skip(1) {
        assert_eq!(&first, other, "{way:?}");
    }
    first
}

#[test]
fn in_playback_only_events_move_the_clock() {
    let text = "define stream A (v int); define stream B (v int); define stream T (v int);
                from every e1=A -> not B for 1 sec select e1.v insert into O;";
    let acts = [(100, "A", 1), (300, "A", 2), (1200, "B", 0), (1400, "A", 3), (9000, "T", 0)];
    assert_eq!(run(text, ClockMode::Playback, &acts), ["1 @1100", "3 @2400"]);
    let acts = [(100, "A", 1), (300, "A", 2), (1200, "B", 0), (1400, "A", 3), (9000, "", 0)];
    assert_eq!(run(text, ClockMode::Live, &acts), ["1 @1100", "3 @2400"]);
}

#[test]
fn without_a_start_the_first_event_starts_the_clock() {
    let text = "define stream A (v int); define stream B (v int);
                from not A for 1 sec -> e2=B select e2.v insert into O;";
    let acts = [(5000, "B", 1), (5999, "B", 2), (6000, "B", 3)];
    assert_eq!(run(text, ClockMode::Playback, &acts), ["3 @6000"]);
}

#[test]
fn triggers_may_come_or_not() {
    let text = "define stream A (v int); define trigger Tick at every 1 sec;
                from every e1=Tick -> not A for 500 millisec
                select e1.triggered_time as t insert into O;";
    let acts = [(1400, "A", 0), (1501, "A", 0), (3501, "A", 0)];
    assert_eq!(run(text, ClockMode::Live, &acts), ["2000 @2500", "3000 @3500"]);
}

#[test]
fn rows_that_enter_a_window_are_events_and_those_that_leave_are_none() {
    let text = "define stream A (v int); define stream B (v int);
                define window W (v int) time(300 millisec) output all events;
                from A select v insert into W;
                from every e1=B -> not W for 500 millisec select e1.v insert into O;";
    // What entered at 100 leaves at 400: that disturbs nobody.
    let acts = [(100, "A", 7), (150, "B", 1), (1000, "B", 2), (1400, "A", 8), (3000, "", 0)];
    assert_eq!(run(text, ClockMode::Live, &acts), ["1 @650"]);
}

#[test]
fn a_match_by_time_goes_on_through_other_queries_in_order() {
    let text = "define stream A (v int); define stream B (v int); define stream M (v int);
                from every e1=A -> not B for 100 millisec select e1.v insert into M;
                from every e1=M -> not M for 50 millisec select e1.v insert into N;
                from N select v insert into O; from M select v + 100 as v insert into O;";
    let acts = [(0, "A", 1), (20, "A", 2), (200, "A", 3), (1000, "", 0)];
    let expected = ["101 @100", "102 @120", "2 @170", "103 @300", "3 @350"];
    assert_eq!(run(text, ClockMode::Live, &acts), expected);
}

#[test]
fn too_many_open_matches_stop_the_application() {
    for (pattern, most) in [("e2=B", 3), ("e2=B and e3=B", 3), ("not B for 1 hour", 3)] {
        let text = format!(
            "define stream A (v int); define stream B (v int);
             @info(name='q') from every e1=A -> {pattern} select e1.v insert into O;"
        );
        let options = AppOptions { max_partials: most, ..AppOptions::default() };
        let app = App::from_text_with(&text, options).unwrap();
        let input = app.input("A").unwrap();
        for i in 0..3 {
            input.send_at(i, vec![Value::Int(0)]).unwrap();
        }
        assert_eq!(app.stats().queries[0].1.open_partials, 3);
        let error = input.send_at(4, vec![Value::Int(0)]).unwrap_err();
        assert!(matches!(error, Error::Limit(_)), "{error}");
        assert!(error.to_string().contains("4 open partial matches"), "{error}");
    }
}
