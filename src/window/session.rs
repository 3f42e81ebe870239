//! `session(gap [, key] [, allowed.latency])`: runs of rows that follow each other closely.
//!
//! Invariants of a partition key's sessions:
//! * The sessions of one session key are at least the gap apart; they are linked from the newest
//!   to the oldest, and the key's place is the newest.
//! * A session closes when the clock reaches its last event time plus gap plus latency, by the clock
//!   only. `due` holds one entry per open session, at that time or earlier: a session that has grown
//!   is entered again when its entry comes up, so that a row costs no more than finding its session.
//! * A timer is armed for the first entry of `due` or earlier.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::args::Args;
use super::keyed::{Arrival, Cause, Keyed, List, Logic, Rows};
use super::{About, Reads, Window, WindowArg, WindowCall, WindowContext, WindowOutput, WindowSpec};
use crate::error::{Diagnostic, Error, Result, Span};
use crate::event::{KeyId, Kind, Slot};
use crate::expr::types::AttrType;

/// `session(gap int|long|time [, key string] [, allowed.latency int|long|time])`.
pub static SPEC: WindowSpec = WindowSpec {
    name: "session",
    signature: "session(session.gap int|long|time [, session.key string attribute \
                [, allowed.latency int|long|time = 0]])",
    doc: "Rows of one `session.key` (all rows, without one) that are less than \
          `session.gap` ms of event time apart form a session. A row enters at once; when the clock reaches \
          the session's last event time plus `session.gap` plus `allowed.latency`, all its rows leave \
          as one chunk, in the order of their event times, which they keep. A row that came late joins \
          or connects the sessions it is near enough to; one that would only make an older \
          session that had closed already is dropped. `allowed.latency` must not be greater than \
          `session.gap`.",
    example: "define stream Purchases (user string, price double);\n\
              from Purchases#window.session(5 sec, user, 2 sec) select user, sum(price) as total \
              group by user insert all events into Out;",
    sliding: true,
    passes: false,
    reads: Reads::Arguments,
    findable: true,
    about: |args, _| About {
        holds: format!(
            "the rows of open sessions, which end after {} without a row",
            About::time(args, 0)
        ),
        timer: Some("when a session ends"),
    },
    check: |args, span| parse(args, span).map(drop),
    create,
};

/// Gap, latency, session key.
fn parse(args: &[WindowArg], span: Span) -> Result<(i64, i64, Option<usize>), Diagnostic> {
    let args = Args::new(SPEC.signature, args, span, 1, 3)?;
    let gap = args.time(0, "session.gap", 0)?;
    if args.len() == 1 {
        return Ok((gap, 0, None));
    }
    let (key, _) = args.column_of(1, "session.key", &[AttrType::String])?;
    let latency = if args.len() > 2 { args.time(2, "allowed.latency", 0)? } else { 0 };
    if latency > gap {
        let found =
            format!("must not be greater than `session.gap` ({gap} ms), found {latency} ms");
        return Err(args.invalid(2, "allowed.latency", found));
    }
    Ok((gap, latency, Some(key)))
}

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    let (gap, latency, key) = parse(&call.args, call.span).map_err(|d| Error::Query(vec![d]))?;
    let wait = gap.saturating_add(latency);
    let (key, expired) = (key.into_iter().collect(), context.expired);
    Ok(Box::new(Keyed::new(SessionWindow { gap, wait, key, expired }, context)?))
}

struct SessionWindow {
    gap: i64,
    /// From a session's last row to its close, ms.
    wait: i64,
    /// The column of the session key, if there is one.
    key: Vec<usize>,
    expired: bool,
}

/// No session.
const NONE: u32 = u32::MAX;
/// No timer.
const NEVER: i64 = i64::MAX;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Session {
    rows: List,
    /// First and last event time.
    first: i64,
    last: i64,
    /// Event time of the row that came last.
    newest: i64,
    /// Whether `rows` are not in the order of their event times.
    mixed: bool,
    id: KeyId,
    /// The next older session of the key.
    older: u32,
    /// Number in order of opening; 0: not open.
    number: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Sessions {
    slab: Vec<Session>,
    free: Vec<u32>,
    /// When it may close, its number, its index.
    due: BTreeSet<(i64, u64, u32)>,
    /// The newest session, where there is no session key.
    newest: u32,
    opened: u64,
    armed: i64,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State(Option<Box<Sessions>>);

impl Default for Sessions {
    fn default() -> Self {
        Self {
            slab: vec![],
            free: vec![],
            due: BTreeSet::new(),
            newest: NONE,
            opened: 0,
            armed: NEVER,
        }
    }
}

impl Sessions {
    fn get(&self, i: u32) -> &Session {
        &self.slab[i as usize]
    }

    fn get_mut(&mut self, i: u32) -> &mut Session {
        &mut self.slab[i as usize]
    }

    /// Opens a session and returns its index.
    fn open(&mut self, v: i64, id: KeyId, older: u32, due: i64) -> u32 {
        self.opened += 1;
        let number = self.opened;
        let rows = List::default();
        let session =
            Session { rows, first: v, last: v, newest: v, mixed: false, id, older, number };
        let i = match self.free.pop() {
            Some(i) => {
                self.slab[i as usize] = session;
                i
            }
            None => {
                self.slab.push(session);
                self.slab.len() as u32 - 1
            }
        };
        self.due.insert((due, number, i));
        i
    }

    /// Gives an index back; whatever `due` says of it means nothing any more.
    fn close(&mut self, i: u32) {
        self.get_mut(i).number = 0;
        self.free.push(i);
    }
}

impl SessionWindow {
    fn keyed(&self) -> bool {
        !self.key.is_empty()
    }

    fn newest(&self, s: &Sessions, id: KeyId, rows: &Rows) -> u32 {
        if self.keyed() { rows.keys.place(id).unwrap_or(NONE) } else { s.newest }
    }

    /// Puts `i` in front of `older`, behind `newer` ([`NONE`]: it is the newest).
    fn link(&self, s: &mut Sessions, newer: u32, i: u32, id: KeyId, rows: &mut Rows) {
        if newer != NONE {
            s.get_mut(newer).older = i;
        } else if !self.keyed() {
            s.newest = i;
        } else if i == NONE {
            rows.keys.vacate(id);
        } else {
            rows.keys.put(id, i);
        }
    }

    /// The session a row of time `v` belongs to, opened if need be; none if the row is too late.
    fn session_of(&self, s: &mut Sessions, slot: Slot, v: i64, at: i64, rows: &mut Rows) -> u32 {
        let id = if self.keyed() { rows.keys.of(slot) } else { 0 };
        let (mut newer, mut i) = (NONE, self.newest(s, id, rows));
        while i != NONE {
            let here = s.get(i);
            if v >= here.last.saturating_add(self.gap) {
                break;
            }
            if v > here.first.saturating_sub(self.gap) {
                self.join(s, i, v, rows);
                return i;
            }
            (newer, i) = (i, here.older);
        }
        let due = v.saturating_add(self.wait);
        if newer != NONE && due <= at {
            return NONE;
        }
        let opened = s.open(v, id, i, due);
        self.link(s, newer, opened, id, rows);
        opened
    }

    /// A row of time `v` joins session `i`; if it closes the gap to the next older, they become one.
    fn join(&self, s: &mut Sessions, i: u32, v: i64, rows: &mut Rows) {
        let here = s.get_mut(i);
        here.mixed |= v < here.newest;
        here.newest = v;
        here.last = here.last.max(v);
        here.first = here.first.min(v);
        let (first, older) = (here.first, here.older);
        if older == NONE || s.get(older).last.saturating_add(self.gap) <= first {
            return;
        }
        let mut merged = s.get(older).rows;
        let (first, older_mixed, next) = {
            let o = s.get(older);
            (o.first, o.mixed, o.older)
        };
        let here = s.get_mut(i);
        rows.append(&mut merged, here.rows);
        here.rows = merged;
        here.first = here.first.min(first);
        here.mixed |= older_mixed;
        here.older = next;
        s.close(older);
    }

    /// Takes a session that closes out of its key's list.
    fn unlink(&self, s: &mut Sessions, i: u32, rows: &mut Rows) {
        let Session { id, older, .. } = *s.get(i);
        let (mut newer, mut at) = (NONE, self.newest(s, id, rows));
        while at != i {
            (newer, at) = (at, s.get(at).older);
        }
        self.link(s, newer, older, id, rows);
        s.close(i);
    }

    /// Lets the rows of a session leave.
    fn expire(&self, session: &mut Session, c: Cause, rows: &mut Rows, out: &mut WindowOutput) {
        if !session.mixed {
            while let Some(slot) = rows.pop_front(&mut session.rows) {
                out.push(slot, rows.store.ts(slot), c.at, c.order, Kind::Expired, c.key);
                rows.store.release(slot);
            }
            return;
        }
        let mut slots: Vec<Slot> = rows.iter(session.rows).collect();
        slots.sort_by_key(|slot| rows.store.ts(*slot));
        for slot in slots {
            out.push(slot, rows.store.ts(slot), c.at, c.order, Kind::Expired, c.key);
            rows.store.release(slot);
        }
        session.rows = List::default();
    }

    fn arm(&self, s: &mut Sessions, cause: Cause, rows: &mut Rows) {
        if let Some((due, ..)) = s.due.first() {
            let due = (*due).max(cause.at);
            if due < s.armed {
                rows.arm(due, cause);
                s.armed = due;
            }
        }
    }
}

impl Logic for SessionWindow {
    type State = State;

    fn arrive(
        &self,
        state: &mut State,
        run: &Arrival<'_>,
        rows: &mut Rows,
        out: &mut WindowOutput,
    ) {
        let s = state.0.get_or_insert_default();
        for (slot, ts) in run.rows() {
            let i = self.session_of(s, slot, ts, run.cause.at, rows);
            if i == NONE {
                rows.store.release(slot);
                continue;
            }
            run.pass(slot, ts, out);
            if self.expired {
                rows.push_back(&mut s.get_mut(i).rows, slot);
            } else {
                rows.store.release(slot);
            }
        }
        self.arm(s, run.cause, rows);
    }

    fn fire(&self, state: &mut State, cause: Cause, rows: &mut Rows, out: &mut WindowOutput) {
        let Some(s) = state.0.as_deref_mut() else { return };
        if s.armed <= cause.at {
            s.armed = NEVER;
        }
        let mut closing: Vec<(i64, u64, u32)> = vec![];
        while let Some((due, number, i)) = s.due.first().copied().filter(|d| d.0 <= cause.at) {
            s.due.pop_first();
            if s.get(i).number != number {
                continue;
            }
            let closes = s.get(i).last.saturating_add(self.wait);
            debug_assert!(closes >= due);
            if closes > cause.at {
                s.due.insert((closes, number, i));
            } else {
                closing.push((closes, number, i));
            }
        }
        closing.sort_unstable();
        for (_, _, i) in closing {
            self.unlink(s, i, rows);
            self.expire(&mut s.slab[i as usize], cause, rows, out);
        }
        self.arm(s, cause, rows);
        if s.slab.len() == s.free.len() {
            state.0 = None;
        }
    }

    fn key_columns(&self) -> &[usize] {
        &self.key
    }
}
