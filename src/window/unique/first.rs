//! `unique:first(key, …)`: the first row of each key.

use super::keys;
use crate::error::{Error, Result};
use crate::window::keyed::{Arrival, Keyed, Logic, Rows};
use crate::window::{About, Reads, Window, WindowCall, WindowContext, WindowOutput, WindowSpec};

/// `unique:first(key any [, …])`.
pub static SPEC: WindowSpec = WindowSpec {
    name: "unique:first",
    signature: "unique:first(unique.key any [, unique.key any] ...)",
    doc: "Lets the first row of each key pass and drops all others. Nothing ever leaves; a key is \
          remembered for ever.",
    example: "define stream Logins (ip string, port int);\n\
              from Logins#window.unique:first(ip) select ip, port insert into Out;",
    sliding: true,
    passes: false,
    reads: Reads::Arguments,
    findable: true,
    about: |_, _| About { holds: "each key there was, for ever".into(), timer: None },
    check: |args, span| keys(SPEC.signature, args, span).map(drop),
    create,
};

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    let columns = keys(SPEC.signature, &call.args, call.span).map_err(|d| Error::Query(vec![d]))?;
    Ok(Box::new(Keyed::new(First { columns, searched: context.searched }, context)?))
}

struct First {
    columns: Vec<usize>,
    searched: bool,
}

impl Logic for First {
    type State = ();

    fn arrive(&self, _: &mut (), run: &Arrival<'_>, rows: &mut Rows, out: &mut WindowOutput) {
        for (slot, ts) in run.rows() {
            let id = rows.keys.of(slot);
            let new = rows.keys.place(id).is_none();
            if new {
                rows.keys.put(id, 0);
                run.pass(slot, ts, out);
            }
            // A join finds the rows that passed.
            if !(new && self.searched) {
                rows.store.release(slot);
            }
        }
    }

    fn key_columns(&self) -> &[usize] {
        &self.columns
    }
}
