//! Choices read from a tape of numbers: what proptest makes shorter and smaller, becomes simpler.

/// A tape; when it is at its end every choice is the first.
pub struct Tape<'a> {
    numbers: &'a [u16],
    at: usize,
}

impl<'a> Tape<'a> {
    pub fn new(numbers: &'a [u16]) -> Self {
        Self { numbers, at: 0 }
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        let number = self.numbers.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(number) % n
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// True in `of` of `all` cases; false at the end of the tape.
    pub fn chance(&mut self, of: usize, all: usize) -> bool {
        self.below(all) >= all - of
    }
}
