//! Runs many cases on a few threads, so that a case that panics or hangs is named.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once, PoisonError, mpsc};
use std::time::Duration;

/// How long nothing may finish before the run is given up.
const PATIENCE: Duration = Duration::from_secs(120);

thread_local! {
    /// In a worker: the last panic's message.
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
    static WORKER: RefCell<bool> = const { RefCell::new(false) };
}

/// Runs `job` and turns a panic into an error.
pub fn guarded<T>(job: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(job)).map_err(|_| {
        let message = LAST_PANIC.with_borrow_mut(Option::take);
        message.unwrap_or_else(|| "a panic".into())
    })
}

/// Runs `job` for every item on two threads and gives the results in order.
pub fn each<T: Sync, R: Send>(
    items: &[T],
    name: impl Fn(&T) -> String + Sync,
    job: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    quiet_panics();
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    let running: Vec<Mutex<Option<usize>>> = (0..threads).map(|_| Mutex::new(None)).collect();
    let (tx, rx) = mpsc::channel();
    let mut results: Vec<Option<R>> = items.iter().map(|_| None).collect();
    std::thread::scope(|scope| {
        for mine in &running {
            let (next, job, tx) = (&next, &job, tx.clone());
            scope.spawn(move || {
                WORKER.set(true);
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(i) else { break };
                    *mine.lock().unwrap_or_else(PoisonError::into_inner) = Some(i);
                    if tx.send((i, job(item))).is_err() {
                        break;
                    }
                }
                *mine.lock().unwrap_or_else(PoisonError::into_inner) = None;
            });
        }
        drop(tx);
        loop {
            match rx.recv_timeout(PATIENCE) {
                Ok((i, result)) => results[i] = Some(result),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    for slot in &running {
                        let at = *slot.lock().unwrap_or_else(PoisonError::into_inner);
                        if let Some(item) = at.and_then(|i| items.get(i)) {
                            super::say(&format!("hangs: {}", name(item)));
                        }
                    }
                    // The stuck threads can't be joined, so this can't be an ordinary panic.
                    std::process::exit(101);
                }
            }
        }
    });
    results.into_iter().map(|r| r.expect("every item was run")).collect()
}

/// Panics in workers are kept for `guarded` instead of being printed.
fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if WORKER.with_borrow(|w| *w) {
                let text = info.payload_as_str().unwrap_or("a panic");
                let at = info.location().map(|l| format!(" at {}:{}", l.file(), l.line()));
                let message = format!("panic: {text}{}", at.unwrap_or_default());
                LAST_PANIC.with_borrow_mut(|p| *p = Some(message));
            } else {
                usual(info);
            }
        }));
    });
}
