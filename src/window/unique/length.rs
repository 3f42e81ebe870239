//! `unique:length(key, n)`: the latest rows of the last n keys.

use serde::{Deserialize, Serialize};

use super::{key, leave, some_rows};
use crate::error::{Diagnostic, Error, Result, Span};
use crate::window::args::Args;
use crate::window::keyed::{Arrival, Keyed, List, Logic, Rows};
use crate::window::{
    About, Reads, Window, WindowArg, WindowCall, WindowContext, WindowOutput, WindowSpec,
};

/// `unique:length(key any, n int)`.
pub static SPEC: WindowSpec = WindowSpec {
    name: "unique:length",
    signature: "unique:length(unique.key any, window.length int)",
    doc: "Sliding window of the latest row of each of the last `window.length` keys. A row enters at \
          the end; just before it the row that was there for its key leaves or, if there was none and \
          the window is full, the oldest row.",
    example: "define stream Logins (ip string, port int);\n\
              from Logins#window.unique:length(ip, 10) select count() as addresses \
              insert into Out;",
    sliding: true,
    passes: true,
    reads: Reads::Arguments,
    findable: true,
    about: |args, _| About {
        holds: format!("the latest row of each of at most {} keys", About::rows(args, 1)),
        timer: None,
    },
    check: |args, span| parse(args, span).map(drop),
    create,
};

fn parse(args: &[WindowArg], span: Span) -> Result<(usize, u32), Diagnostic> {
    let args = Args::new(SPEC.signature, args, span, 2, 2)?;
    Ok((key(&args)?, some_rows(&args, 1)?))
}

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    let (key, n) = parse(&call.args, call.span).map_err(|d| Error::Query(vec![d]))?;
    Ok(Box::new(Keyed::new(Length { key: [key], n, expired: context.expired }, context)?))
}

struct Length {
    key: [usize; 1],
    n: u32,
    expired: bool,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    held: List,
    count: u32,
}

impl Logic for Length {
    type State = State;

    fn arrive(&self, s: &mut State, run: &Arrival<'_>, rows: &mut Rows, out: &mut WindowOutput) {
        for (slot, ts) in run.rows() {
            if !self.expired {
                run.pass(slot, ts, out);
                rows.store.release(slot);
                continue;
            }
            let id = rows.keys.of(slot);
            if let Some(old) = rows.keys.place(id) {
                leave(&mut s.held, old, run.cause, rows, out);
            } else if let Some(oldest) = s.held.first().filter(|_| s.count == self.n) {
                rows.keys.vacate(rows.keys.of(oldest));
                leave(&mut s.held, oldest, run.cause, rows, out);
            } else {
                s.count += 1;
            }
            rows.link_back(&mut s.held, slot);
            rows.keys.put(id, slot);
            run.pass(slot, ts, out);
        }
    }

    fn passes(&self) -> bool {
        !self.expired
    }

    fn key_columns(&self) -> &[usize] {
        &self.key
    }
}
