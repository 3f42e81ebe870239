//! `UUID`: an identifier per row.

use std::fmt::Write;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use super::{Calls, Eval, FunctionSpec, Kernel, Scalar, Site, no_overload};
use crate::error::Span;
use crate::lang::ast::AttrType;

/// `UUID()`.
///
/// The identifier is a function of the place of the call in the text, of the order and the clock of
/// the row, and of the row's ordinal among the rows of that order and clock. So a replay gives the
/// same identifiers, however the input is cut into batches, and live runs differ as their clocks do.
/// By row (conditions of joins, patterns and tables) the ordinal is 0.
pub static UUID: FunctionSpec = FunctionSpec {
    name: "UUID",
    namespace: None,
    signature: "UUID() -> string",
    doc: "An identifier of the form of a random (version 4) UUID, another one for each row and each \
          place it is called from. A replay of the same input gives the same identifiers.",
    example: "define stream Rooms (room string, temp double);\n\
              from Rooms select UUID() as id, room insert into Out;",
    returns: |args| match args {
        [] => Ok(AttrType::String),
        _ => Err(no_overload("UUID", args)),
    },
    volatile: true,
    eval: Eval::Calls(Calls { kernel, columns: None }),
};

fn kernel(site: &Site<'_>) -> Kernel {
    let span = site.span;
    Kernel::Str(Arc::new(move |args, out| {
        let hidden = |i: usize| args.get(i).and_then(Scalar::as_long).unwrap_or_default();
        write_uuid(out, span, [hidden(0), hidden(1), hidden(2)]);
        true
    }))
}

fn write_uuid(out: &mut String, span: Span, row: [i64; 3]) {
    let half = |seed: u64| {
        let mut h = foldhash::quality::FixedState::with_seed(seed).build_hasher();
        h.write_u32(span.start);
        h.write_u32(span.end);
        row.iter().for_each(|part| h.write_i64(*part));
        h.finish()
    };
    let (high, low) = (half(0x1d), half(0x2e));
    // Version 4, variant 1, so that whoever checks the form accepts it.
    let high = (high & !0xf000) | 0x4000;
    let low = (low & !(0b11 << 62)) | (0b10 << 62);
    // Writing to a string can't fail.
    let _ = write!(
        out,
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn uuid(span: Span, row: [i64; 3]) -> String {
        let mut s = String::new();
        write_uuid(&mut s, span, row);
        s
    }

    #[test]
    fn has_the_form_of_version_4() {
        let id = uuid(Span::new(3, 9), [1, 2, 0]);
        let shape: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(shape, [8, 4, 4, 4, 12]);
        assert_eq!(&id[14..15], "4");
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"), "{id}");
    }

    #[test]
    fn differs_by_place_order_clock_and_ordinal_and_by_nothing_else() {
        let mut seen = HashSet::new();
        for place in 0..4 {
            for order in 0..10 {
                for clock in 0..5 {
                    for ordinal in 0..5 {
                        let span = Span::new(place, place + 6);
                        let id = uuid(span, [order, clock, ordinal]);
                        assert_eq!(id, uuid(span, [order, clock, ordinal]));
                        assert!(seen.insert(id));
                    }
                }
            }
        }
    }
}
