//! Watermarks: up to which event time all rows have come.
//!
//! Invariants: a [`Watermark`] only rises, by its type. That of an application is the least of its
//! active inputs; an input that is silent for long (idle) or has ended holds nothing back, and one that
//! wakes up again holds back what is still to come, never what has passed.

use serde::{Deserialize, Serialize};

/// An event time (ms since the epoch) before which no row is expected any more. It only rises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Watermark(i64);

impl Watermark {
    /// Nothing is known yet.
    pub const START: Watermark = Watermark(i64::MIN);

    /// Rises to `to`, if that is higher.
    pub fn raise(&mut self, to: i64) {
        self.0 = self.0.max(to);
    }

    /// The time; the least there is at the start.
    #[inline]
    pub fn ms(self) -> i64 {
        self.0
    }

    /// The time, if anything is known.
    pub fn known(self) -> Option<i64> {
        (self != Self::START).then_some(self.0)
    }
}

/// Whether time waits for an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Activity {
    /// It does.
    Active,
    /// Not as long as the input is silent.
    Idle,
    /// No more, ever.
    Ended,
}

/// What is known of the time of one input.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InputTime {
    /// Latest event time seen.
    pub largest: Option<i64>,
    /// How far a row may be behind the latest, ms.
    pub delay: i64,
    /// How long the input may be silent and still be waited for, ms.
    pub idle: Option<i64>,
    /// Whether time waits for it.
    pub activity: Activity,
    /// Arrival clock at its last row, or when it was first known to be silent.
    heard: Option<i64>,
}

impl InputTime {
    /// Its own watermark.
    pub fn watermark(&self) -> i64 {
        self.largest.map_or(i64::MIN, |l| l.saturating_sub(self.delay))
    }
}

/// The inputs of an application, and its watermark.
///
/// Silence is measured by the arrival clock, which is told ([`Inputs::tick`]); without one nobody is
/// ever idle.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Inputs {
    inputs: Vec<InputTime>,
    watermark: Watermark,
    arrival: Option<i64>,
}

impl Default for Inputs {
    fn default() -> Self {
        Self { inputs: vec![], watermark: Watermark::START, arrival: None }
    }
}

impl Inputs {
    /// Another input; returns its number. The watermark stays where it is.
    pub fn add(&mut self, delay: i64, idle: Option<i64>) -> usize {
        let activity = Activity::Active;
        self.inputs.push(InputTime { largest: None, delay, idle, activity, heard: self.arrival });
        self.inputs.len() - 1
    }

    /// Time begins at `at`: what was before has passed.
    pub fn start(&mut self, at: i64) {
        self.watermark.raise(at);
    }

    /// The watermark of the application.
    #[inline]
    pub fn watermark(&self) -> Watermark {
        self.watermark
    }

    /// All inputs, by number.
    pub fn list(&self) -> &[InputTime] {
        &self.inputs
    }

    /// The arrival clock, ms, if it was told.
    pub fn arrival(&self) -> Option<i64> {
        self.arrival
    }

    /// Latest event time seen of any input.
    pub fn largest(&self) -> Option<i64> {
        self.inputs.iter().filter_map(|i| i.largest).max()
    }

    /// A row of event time `ts` came. An input that had ended is back.
    pub fn saw(&mut self, input: usize, ts: i64) {
        let i = &mut self.inputs[input];
        i.largest = Some(i.largest.map_or(ts, |l| l.max(ts)));
        self.heard(input);
    }

    /// Something came that tells no time.
    pub fn heard(&mut self, input: usize) {
        let i = &mut self.inputs[input];
        i.activity = Activity::Active;
        i.heard = self.arrival;
        self.rise();
    }

    /// No more rows come of an input.
    pub fn end(&mut self, input: usize) {
        self.inputs[input].activity = Activity::Ended;
        self.rise();
    }

    /// The arrival clock is at `now` (it never goes back): who has been silent for too long is idle.
    pub fn tick(&mut self, now: i64) {
        let now = self.arrival.map_or(now, |a| a.max(now));
        self.arrival = Some(now);
        for i in &mut self.inputs {
            let heard = *i.heard.get_or_insert(now);
            let silent = i.idle.is_some_and(|idle| now.saturating_sub(heard) >= idle);
            if silent && i.activity == Activity::Active {
                i.activity = Activity::Idle;
            }
        }
        self.rise();
    }

    /// The arrival clock at which the next input becomes idle if nothing comes before.
    pub fn next_idle(&self) -> Option<i64> {
        let active = self.inputs.iter().filter(|i| i.activity == Activity::Active);
        active.filter_map(|i| i.heard?.checked_add(i.idle?)).min()
    }

    /// The active input that holds the watermark back, if there are any.
    pub fn holding(&self) -> Option<usize> {
        let active = self.inputs.iter().enumerate().filter(|(_, i)| i.activity == Activity::Active);
        active.min_by_key(|(_, i)| i.watermark()).map(|(n, _)| n)
    }

    /// What the other active inputs allow.
    pub fn others(&self, input: usize) -> i64 {
        let active = self.inputs.iter().enumerate().filter(|(_, i)| i.activity == Activity::Active);
        active.filter(|(n, _)| *n != input).map(|(_, i)| i.watermark()).min().unwrap_or(i64::MAX)
    }

    fn rise(&mut self) {
        let active = self.inputs.iter().filter(|i| i.activity == Activity::Active);
        let least = active.map(InputTime::watermark).min();
        // If nobody is waited for: rows of idle inputs may still be in disorder, those of ended ones
        // are all here.
        let quiet = || {
            let of = |i: &InputTime| match i.activity {
                Activity::Ended => i.largest.unwrap_or(i64::MIN),
                Activity::Active | Activity::Idle => i.watermark(),
            };
            self.inputs.iter().map(of).max().unwrap_or(i64::MIN)
        };
        let to = least.unwrap_or_else(quiet);
        self.watermark.raise(to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(inputs: &Inputs) -> Option<i64> {
        inputs.watermark().known()
    }

    #[test]
    fn the_slowest_active_input_tells_the_time() {
        let mut i = Inputs::default();
        let (a, b) = (i.add(5, None), i.add(0, Some(100)));
        i.tick(1000);
        i.saw(a, 50);
        assert_eq!((at(&i), i.holding()), (None, Some(b)));
        i.saw(b, 20);
        assert_eq!((at(&i), i.holding()), (Some(20), Some(b)));
        i.tick(1099);
        assert_eq!((at(&i), i.next_idle()), (Some(20), Some(1100)));
        i.tick(1100);
        assert_eq!((at(&i), i.holding()), (Some(45), Some(a)));
        // It is waited for again, but nothing is taken back.
        i.saw(b, 30);
        assert_eq!((at(&i), i.holding()), (Some(45), Some(b)));
        i.saw(a, 80);
        assert_eq!(at(&i), Some(45));
        i.saw(b, 60);
        assert_eq!(at(&i), Some(60));
    }

    #[test]
    fn all_is_here_when_all_have_ended() {
        let mut i = Inputs::default();
        let (a, b) = (i.add(5, None), i.add(7, Some(10)));
        i.saw(a, 50);
        i.saw(b, 20);
        i.end(a);
        assert_eq!(at(&i), Some(13));
        i.end(b);
        assert_eq!((at(&i), i.holding()), (Some(50), None));
    }

    #[test]
    fn silence_of_all_gives_way_to_the_one_ahead() {
        let mut i = Inputs::default();
        let (a, b) = (i.add(5, Some(10)), i.add(5, Some(10)));
        i.tick(0);
        i.saw(a, 50);
        i.saw(b, 20);
        i.tick(9);
        assert_eq!(at(&i), Some(15));
        i.tick(10);
        assert_eq!((at(&i), i.next_idle()), (Some(45), None));
    }

    proptest! {
        /// Whatever happens, the watermark never falls, and no active input is overtaken by it at the
        /// moment it rises.
        #[test]
        fn never_falls(events in prop::collection::vec((0usize..3, 0i64..100, 0u8..4), 0..60)) {
            let mut i = Inputs::default();
            for (delay, idle) in [(0, None), (5, Some(3)), (9, Some(7))] {
                i.add(delay, idle);
            }
            let mut clock = 0;
            for (input, ts, what) in events {
                let before = i.watermark();
                match what {
                    0 => { clock += ts % 5; i.tick(clock); }
                    1 if ts % 7 == 0 => i.end(input),
                    _ => i.saw(input, ts),
                }
                prop_assert!(i.watermark() >= before);
                if i.watermark() > before {
                    let active = i.list().iter().filter(|x| x.activity == Activity::Active);
                    prop_assert!(active.map(InputTime::watermark).all(|w| w >= i.watermark().ms()));
                }
            }
        }
    }
}
