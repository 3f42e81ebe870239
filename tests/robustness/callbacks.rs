//! Callbacks that call back, and many threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use foreshock::{App, AppOptions, Error, Value};

const TEXT: &str = "define stream S (a int); define stream Loop (a int);
    from S#window.length(2) select sum(a) as s insert into O;
    from Loop select a insert into P;";

fn app(batch_rows: usize) -> App {
    App::from_text_with(TEXT, AppOptions { batch_rows, ..AppOptions::default() })
        .expect("a valid application")
}

#[test]
fn a_callback_may_send() {
    for batch_rows in [1, 4] {
        let app = app(batch_rows);
        let input = app.input("Loop").expect("Loop");
        let again = input.clone();
        app.subscribe("P", move |events| {
            for row in 0..events.rows() {
                if let Value::Int(a) = events.value(row, "a")
                    && a > 0
                {
                    again.send((a - 1,)).expect("it is open");
                }
            }
        })
        .expect("P");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&seen);
        app.subscribe("P", move |events| {
            let mut seen = to.lock().expect("nobody panics");
            seen.extend((0..events.rows()).map(|r| events.value(r, "a")));
        })
        .expect("P");
        input.send((5_000,)).expect("it is open");
        app.flush().expect("it runs");
        let expected: Vec<Value> = (0..=5_000).rev().map(Value::Int).collect();
        assert_eq!(*seen.lock().expect("nobody panics"), expected, "{batch_rows}");
    }
}

#[test]
fn a_callback_may_do_everything_else_too() {
    let app = app(1);
    let calls = Arc::new(AtomicUsize::new(0));
    let (inside, count) = (app.clone(), Arc::clone(&calls));
    app.subscribe("O", move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        inside.advance_to(10_000).expect("it is open");
        inside.flush().expect("it is open");
        assert!(inside.stats().events > 0);
        // In the middle of a step's deliveries the state is that of the whole step.
        let snapshot = inside.snapshot().expect("a snapshot");
        assert!(App::restore(TEXT, AppOptions::default(), &snapshot).is_ok());
        let count = Arc::clone(&count);
        inside
            .subscribe("O", move |_| {
                count.fetch_add(100, Ordering::SeqCst);
            })
            .expect("O");
    })
    .expect("O");
    app.input("S").expect("S").send((1,)).expect("it is open");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    app.input("S").expect("S").send((1,)).expect("it is open");
    assert_eq!(calls.load(Ordering::SeqCst), 102);
}

#[test]
fn a_callback_may_shut_down() {
    let app = app(1);
    let inside = app.clone();
    app.subscribe("O", move |_| inside.shutdown().expect("it is open")).expect("O");
    let input = app.input("S").expect("S");
    input.send((1,)).expect("it is open");
    assert!(matches!(input.send((2,)), Err(Error::Closed)));
    assert!(matches!(app.advance_to(5), Err(Error::Closed)));
    assert_eq!(app.stats().events, 1);
}

#[test]
fn a_callback_that_panics_stops_nothing() {
    let app = app(1);
    let seen = Arc::new(AtomicUsize::new(0));
    let to = Arc::clone(&seen);
    app.subscribe("O", move |_| {
        if to.fetch_add(1, Ordering::SeqCst) == 0 {
            panic!("the first time");
        }
    })
    .expect("O");
    let input = app.input("S").expect("S");
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| input.send((1,))));
    assert!(panicked.is_err());
    input.send((2,)).expect("it goes on");
    assert_eq!(seen.load(Ordering::SeqCst), 2);
}

#[test]
fn inputs_outlive_their_application() {
    let app = app(1);
    let input = app.input("S").expect("S");
    drop(app);
    assert!(input.send((1,)).is_ok());
}

#[test]
fn many_threads_lose_nothing() {
    for batch_rows in [1, 64] {
        let app = app(batch_rows);
        let rows = Arc::new(AtomicUsize::new(0));
        let to = Arc::clone(&rows);
        app.subscribe("O", move |events| {
            to.fetch_add(events.rows(), Ordering::SeqCst);
        })
        .expect("O");
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (app, input) = (app.clone(), app.input("S").expect("S"));
                scope.spawn(move || {
                    for i in 0..500 {
                        input.send((i,)).expect("it is open");
                        if i % 100 == thread {
                            app.flush().expect("it runs");
                            app.snapshot().expect("a snapshot");
                        }
                    }
                });
            }
        });
        app.flush().expect("it runs");
        assert_eq!(rows.load(Ordering::SeqCst), 2_000, "{batch_rows}");
    }
}
