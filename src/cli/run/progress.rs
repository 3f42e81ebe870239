//! A progress bar on a terminal, for runs that take a while.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use foreshock::io;
use foreshock::time::wall::Stopwatch;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Runs shorter than this show nothing.
const PATIENCE: Duration = Duration::from_millis(700);

/// Shows how far a run has come; nothing in a pipe.
pub struct Progress {
    bar: Option<ProgressBar>,
    started: Stopwatch,
    shown: AtomicBool,
    /// The total that the bar was made for.
    total: Mutex<Option<u64>>,
}

impl Progress {
    pub fn new(quiet: bool) -> Self {
        let wanted = !quiet && std::io::stderr().is_terminal();
        let bar = wanted.then(|| ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()));
        let (shown, total) = (AtomicBool::new(false), Mutex::new(None));
        Self { bar, started: Stopwatch::start(), shown, total }
    }

    /// The run has come so far.
    pub fn at(&self, progress: io::Progress) {
        let Some(bar) = &self.bar else { return };
        if !self.shown.load(Ordering::Relaxed) {
            if self.started.elapsed() < PATIENCE {
                return;
            }
            self.shown.store(true, Ordering::Relaxed);
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        let mut total = self.total.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if progress.total.is_some() && *total != progress.total {
            *total = progress.total;
            bar.set_length(progress.total.unwrap_or_default());
            let style = "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
            if let Ok(style) = ProgressStyle::with_template(style) {
                bar.set_style(style);
            }
        }
        bar.set_position(progress.bytes_read);
    }

    /// Does something to the terminal that the bar must not mix with.
    pub fn aside<T>(&self, f: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) if self.shown.load(Ordering::Relaxed) => bar.suspend(f),
            _ => f(),
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
