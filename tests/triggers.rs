//! Triggers: when they fire, and in which order with everything else.

use std::sync::{Arc, Mutex};

use foreshock::{App, AppOptions, Code, Events, Value, compile};

/// What a stream gets, `value, …` per event.
fn listen(app: &App, stream: &str) -> Arc<Mutex<Vec<String>>> {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let sink = Arc::clone(&told);
    let note = move |e: &Events| {
        for row in 0..e.rows() {
            let data: Vec<String> = e.row(row).iter().map(ToString::to_string).collect();
            sink.lock().expect("no panic").push(data.join(" "));
        }
    };
    app.subscribe(stream, note).expect("a stream of this name");
    told
}

fn take(told: &Mutex<Vec<String>>) -> Vec<String> {
    std::mem::take(&mut told.lock().expect("no panic"))
}

#[test]
fn a_trigger_fires_from_the_start_on_and_goes_on_after_a_restart() {
    let text = "define trigger T at every 500 millisec; define trigger B at 'Start';
                define trigger C at '*/2 * * * * ?';";
    let options = AppOptions { start: 1_000_000_000_300, ..AppOptions::default() };
    let app = App::from_text_with(text, options.clone()).expect("valid");
    let [t, b, c] = ["T", "B", "C"].map(|s| listen(&app, s));
    assert_eq!(app.next_timer(), Some(1_000_000_000_300));
    app.advance_to(1_000_000_001_299).expect("a step");
    assert_eq!(take(&b), ["1000000000300"]);
    assert_eq!(take(&t), ["1000000000800"]);
    assert_eq!(take(&c), [""; 0]);
    let snapshot = app.snapshot().expect("a snapshot");

    let app = App::restore(text, options, &snapshot).expect("its own snapshot");
    let [t, b, c] = ["T", "B", "C"].map(|s| listen(&app, s));
    assert_eq!(app.next_timer(), Some(1_000_000_001_300));
    app.advance_to(1_000_000_004_000).expect("a step");
    let times = [1300, 1800, 2300, 2800, 3300, 3800];
    assert_eq!(take(&t), times.map(|t| (1_000_000_000_000i64 + t).to_string()));
    assert_eq!(take(&b), [""; 0]);
    assert_eq!(take(&c), ["1000000002000", "1000000004000"]);
}

#[test]
fn triggers_stand_behind_timers_and_before_the_event_that_moved_the_clock() {
    let text = "define stream S (v long); define stream M (v long);
                define trigger T at every 100 millisec;
                from T select triggered_time as v insert into M;
                from S#window.time(100) select v insert expired events into M;
                from S select v insert into M;";
    for (batch_rows, row_by_row) in [(1, false), (64, false), (64, true)] {
        let options = AppOptions { batch_rows, row_by_row, ..AppOptions::default() };
        let app = App::from_text_with(text, options).expect("valid");
        let m = listen(&app, "M");
        for at in [0, 100, 230] {
            app.input("S").expect("S").send_at(at, vec![Value::Long(at + 1)]).expect("a step");
            app.advance_to(at + 100).expect("a step");
        }
        app.flush().expect("a step");
        let expected = ["1", "1", "100", "101", "101", "200", "231", "300", "231"];
        assert_eq!(take(&m), expected, "{batch_rows} {row_by_row}");
    }
}

#[test]
fn a_trigger_is_a_stream_like_others() {
    let text = "define stream T (triggered_time long); define trigger T at 'start';
                partition with (triggered_time of T) begin
                from T select triggered_time + 1 as v insert into O; end;";
    let app = App::from_text(text).expect("valid");
    let o = listen(&app, "O");
    app.input("T").expect("T").send_at(0, vec![Value::Long(7)]).expect("a step");
    assert_eq!(take(&o), ["1", "8"]);
}

#[test]
fn senseless_triggers_are_refused() {
    for (text, code) in [
        ("define stream T (symbol string); define trigger T at 'start';", Code::Name),
        ("define trigger T at 'start'; define trigger T at 'start';", Code::Name),
        ("define trigger T at 'start'; define stream T (t long);", Code::Name),
        ("define trigger T at every 0 sec;", Code::Parameter),
        ("define trigger T at 'sometimes';", Code::Parameter),
        ("define trigger T at '99 * * * * ?';", Code::Parameter),
    ] {
        let codes: Vec<Code> =
            compile(text).err().unwrap_or_default().iter().map(|d| d.code).collect();
        assert_eq!(codes, [code], "{text}");
    }
    let same = "define trigger T at 'start'; define stream T (triggered_time long);";
    assert!(compile(same).is_ok());
}
