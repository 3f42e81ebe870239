//! Numbers of the rows whose bit is set, without a branch per row.

use arrow::buffer::BooleanBuffer;

/// By byte, the numbers of its set bits (behind them anything).
static PLACES: [[u8; 8]; 256] = places();

const fn places() -> [[u8; 8]; 256] {
    let mut all = [[0; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut bit, mut found) = (0, 0);
        while bit < 8 {
            if byte >> bit & 1 == 1 {
                all[byte][found] = bit as u8;
                found += 1;
            }
            bit += 1;
        }
        byte += 1;
    }
    all
}

/// The rows whose bit is set, in order.
pub fn set_rows(bits: &BooleanBuffer) -> Vec<u32> {
    let count = bits.count_set_bits();
    // Eight are written at a time, wanted or not.
    let mut rows = vec![0u32; count + 8];
    let mut found = 0;
    for (word, bits) in bits.bit_chunks().iter_padded().enumerate() {
        for (byte, bits) in bits.to_le_bytes().into_iter().enumerate() {
            let first = (64 * word + 8 * byte) as u32;
            let to = &mut rows[found..found + 8];
            for (to, place) in to.iter_mut().zip(&PLACES[usize::from(bits)]) {
                *to = first + u32::from(*place);
            }
            found += bits.count_ones() as usize;
        }
    }
    debug_assert_eq!(found, count);
    rows.truncate(count);
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_rows_are_those_that_are_set(
            bits in proptest::collection::vec(any::<bool>(), 0..300),
            from in 0..70usize,
        ) {
            let all = BooleanBuffer::from(bits);
            let from = from.min(all.len());
            let bits = all.slice(from, all.len() - from);
            let expected: Vec<u32> = bits.set_indices().map(|i| i as u32).collect();
            prop_assert_eq!(set_rows(&bits), expected);
        }
    }

    #[test]
    fn words_of_nothing_and_of_everything_do_too() {
        for len in [0, 1, 63, 64, 65, 1000] {
            assert_eq!(set_rows(&BooleanBuffer::new_unset(len)), [0u32; 0]);
            let all: Vec<u32> = (0..len as u32).collect();
            assert_eq!(set_rows(&BooleanBuffer::new_set(len)), all);
        }
    }
}
