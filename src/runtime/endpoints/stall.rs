//! Notices when the watermark stands still while rows wait for it: somebody is waited for in vain.

use std::time::Duration;

use crate::runtime::app::App;
use crate::time::wall::Stopwatch;

/// The watermark stands still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stall {
    /// The stream that holds it back, if any does.
    pub held_by: Option<String>,
    /// Rows that wait.
    pub waiting: usize,
    /// For how long it hasn't moved.
    pub still_for: Duration,
}

type OnStall = Box<dyn FnMut(&Stall) + Send>;

/// Looks at the watermark now and then. Told once for each value of it.
pub(super) struct Watch {
    patience: Duration,
    tell: OnStall,
    /// The watermark when it last moved; none: not looked at yet.
    seen: Option<Option<i64>>,
    since: Stopwatch,
    told: bool,
}

impl Watch {
    pub(super) fn new(patience: Duration, tell: OnStall) -> Self {
        Self { patience, tell, seen: None, since: Stopwatch::start(), told: false }
    }

    /// When to look again, if nothing happens before.
    pub(super) fn patience(&self) -> Duration {
        self.patience.saturating_sub(self.since.elapsed()).max(Duration::from_millis(100))
    }

    pub(super) fn look(&mut self, app: &App) {
        let watermark = app.shared.watermark();
        if self.seen != Some(watermark) {
            self.seen = Some(watermark);
            self.since = Stopwatch::start();
            self.told = false;
            return;
        }
        let still_for = self.since.elapsed();
        if self.told || still_for < self.patience {
            return;
        }
        let Some(time) = app.stats().event_time else { return };
        let waiting: usize = time.streams.iter().map(|s| s.waiting).sum();
        if waiting > 0 {
            self.told = true;
            (self.tell)(&Stall { held_by: time.held_by, waiting, still_for });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[test]
    fn tells_once_who_is_waited_for_in_vain() {
        let text = "@watermark(delay='0 sec') define stream A (n int);
                    @watermark(delay='0 sec') define stream B (n int);";
        let app = App::from_text(text).unwrap();
        let told: Arc<Mutex<Vec<Stall>>> = Arc::default();
        let to = Arc::clone(&told);
        let tell = move |s: &Stall| to.lock().unwrap().push(s.clone());
        let mut watch = Watch::new(Duration::ZERO, Box::new(tell));
        watch.look(&app);
        watch.look(&app);
        assert!(told.lock().unwrap().is_empty(), "nothing waits");
        app.input("A").unwrap().send_at(5, (1,)).unwrap();
        (0..3).for_each(|_| watch.look(&app));
        let first = std::mem::take(&mut *told.lock().unwrap());
        assert_eq!(first.len(), 1);
        assert_eq!((first[0].held_by.as_deref(), first[0].waiting), (Some("B"), 1));
        app.input("B").unwrap().send_at(3, (1,)).unwrap();
        (0..3).for_each(|_| watch.look(&app));
        let second = std::mem::take(&mut *told.lock().unwrap());
        assert_eq!((second.len(), second[0].waiting), (1, 1));
        app.input("B").unwrap().send_at(9, (1,)).unwrap();
        app.input("A").unwrap().send_at(9, (1,)).unwrap();
        (0..3).for_each(|_| watch.look(&app));
        assert!(told.lock().unwrap().is_empty());
    }
}
