//! Orders of arrival.

/// The same numbers in every run.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// How long what happened at `ts` is under way: 0 to `delay`, the same for all of that time, so that
/// what happened at the same time arrives in order.
fn on_the_way(ts: i64, delay: i64, seed: u64) -> i64 {
    let mut random = Random::new(seed ^ (ts as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    random.next();
    (random.next() % (delay as u64 + 1)) as i64
}

/// The places of `times` in an order in which no row is more than `delay` behind.
pub fn disorder(times: &[i64], delay: i64, seed: u64) -> Vec<usize> {
    let mut places: Vec<usize> = (0..times.len()).collect();
    places.sort_by_key(|p| times[*p].saturating_add(on_the_way(times[*p], delay, seed)));
    let mut latest = i64::MIN;
    for p in &places {
        assert!(latest.saturating_sub(times[*p]) <= delay);
        latest = latest.max(times[*p]);
    }
    places
}

/// How many places are not where they were.
pub fn moved(places: &[usize]) -> usize {
    places.iter().enumerate().filter(|(i, p)| i != *p).count()
}
