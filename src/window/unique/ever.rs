//! `unique:ever(key, …)`: the latest row of each key.

use super::keys;
use crate::error::{Error, Result};
use crate::event::Kind;
use crate::window::keyed::{Arrival, Keyed, Logic, Rows};
use crate::window::{About, Reads, Window, WindowCall, WindowContext, WindowOutput, WindowSpec};

/// `unique:ever(key any [, …])`.
pub static SPEC: WindowSpec = WindowSpec {
    name: "unique:ever",
    signature: "unique:ever(unique.key any [, unique.key any] ...)",
    doc: "Sliding window of the latest row of each key. A row enters, and the row that was there for \
          its key leaves just before it. Rows are held for ever, one for each key there ever was.",
    example: "define stream Logins (ip string, port int);\n\
              from Logins#window.unique:ever(ip) select count() as addresses insert into Out;",
    sliding: true,
    passes: true,
    reads: Reads::Arguments,
    findable: true,
    about: |_, _| About { holds: "the latest row of each key, for ever".into(), timer: None },
    check: |args, span| keys(SPEC.signature, args, span).map(drop),
    create,
};

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    let columns = keys(SPEC.signature, &call.args, call.span).map_err(|d| Error::Query(vec![d]))?;
    Ok(Box::new(Keyed::new(Ever { columns, expired: context.expired }, context)?))
}

struct Ever {
    columns: Vec<usize>,
    expired: bool,
}

impl Logic for Ever {
    type State = ();

    fn arrive(&self, _: &mut (), run: &Arrival<'_>, rows: &mut Rows, out: &mut WindowOutput) {
        let c = run.cause;
        for (slot, ts) in run.rows() {
            if !self.expired {
                run.pass(slot, ts, out);
                rows.store.release(slot);
                continue;
            }
            let id = rows.keys.of(slot);
            if let Some(old) = rows.keys.place(id) {
                out.push(old, c.at, c.at, c.order, Kind::Expired, c.key);
                rows.store.release(old);
            }
            rows.keys.put(id, slot);
            run.pass(slot, ts, out);
        }
    }

    fn passes(&self) -> bool {
        !self.expired
    }

    fn key_columns(&self) -> &[usize] {
        &self.columns
    }
}
