//! The eight queries.

use std::fmt;
use std::str::FromStr;

use crate::error::nearest;

/// A query of the harness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Query {
    /// A filter.
    Q1,
    /// A mean per group over the last 1000 rows.
    Q2,
    /// A mean per group over the last second of event time.
    Q3,
    /// Sum and mean per group of each second of event time.
    Q4,
    /// A pattern: a high price, then a higher one of the same symbol within a second.
    Q5,
    /// A sequence: a price, then at once a higher one.
    Q6,
    /// A join of the last 100 rows of two streams.
    Q7,
    /// A partition with a window of 100 rows per key.
    Q8,
}

impl Query {
    /// All of them.
    pub const ALL: [Query; 8] =
        [Query::Q1, Query::Q2, Query::Q3, Query::Q4, Query::Q5, Query::Q6, Query::Q7, Query::Q8];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Query::Q1 => "q1",
            Query::Q2 => "q2",
            Query::Q3 => "q3",
            Query::Q4 => "q4",
            Query::Q5 => "q5",
            Query::Q6 => "q6",
            Query::Q7 => "q7",
            Query::Q8 => "q8",
        }
    }

    /// How many symbols there are unless told otherwise.
    pub fn keys(self) -> usize {
        if self == Query::Q8 { 10_000 } else { 100 }
    }

    /// Events per millisecond of event time. The join's input takes turns between its streams, which
    /// one millisecond per event says without doubt.
    pub fn events_per_ms(self) -> usize {
        if self == Query::Q7 { 1 } else { 10 }
    }

    /// The streams it reads.
    pub fn streams(self) -> &'static [&'static str] {
        if self == Query::Q7 { &["A", "B"] } else { &["S"] }
    }

    /// The query alone, without definitions.
    pub fn text(self) -> &'static str {
        match self {
            Query::Q1 => "from S[price > 50] select symbol, price insert into Out;",
            Query::Q2 => {
                "from S#window.length(1000) select symbol, avg(price) as ap group by symbol \
                 insert into Out;"
            }
            Query::Q3 => {
                "from S#window.time(1 sec) select symbol, avg(price) as ap group by symbol \
                 insert into Out;"
            }
            Query::Q4 => {
                "from S#window.externalTimeBatch(ts, 1 sec) \
                 select symbol, sum(volume) as v, avg(price) as ap group by symbol insert into Out;"
            }
            Query::Q5 => {
                "from every e1=S[price > 90] -> e2=S[symbol == e1.symbol and price > e1.price] \
                 within 1 sec select e1.symbol as symbol, e1.price as p1, e2.price as p2 \
                 insert into Out;"
            }
            Query::Q6 => {
                "from every e1=S, e2=S[price > e1.price] \
                 select e1.symbol as symbol, e1.price as p1, e2.price as p2 insert into Out;"
            }
            Query::Q7 => {
                "from A#window.length(100) join B#window.length(100) on A.symbol == B.symbol \
                 select A.symbol as symbol, A.price as pa, B.price as pb insert into Out;"
            }
            Query::Q8 => {
                "partition with (symbol of S) begin \
                 from S#window.length(100) select symbol, avg(price) as ap insert into Out; end;"
            }
        }
    }

    /// The whole application: time is event time.
    pub fn app(self) -> String {
        format!("@app:playback\n{}{}\n", self.definitions(""), self.text())
    }

    /// The application for rows that arrive up to `delay` ms late: they wait for a watermark.
    pub fn app_with_watermark(self, delay: u64) -> String {
        let watermark = format!("@watermark(attribute='ts', delay='{delay} millisec')\n");
        format!("{}{}\n", self.definitions(&watermark), self.text())
    }

    fn definitions(self, annotation: &str) -> String {
        let attributes = "(ts long, symbol string, price double, volume long)";
        let define = |s: &&str| format!("{annotation}define stream {s} {attributes};\n");
        self.streams().iter().map(define).collect()
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Query {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let found = Query::ALL.into_iter().find(|q| q.name() == s.to_ascii_lowercase());
        let near = || nearest(s, Query::ALL.map(Query::name));
        found.ok_or_else(|| match near() {
            Some(near) => format!("there is no query `{s}`; did you mean `{near}`?"),
            None => format!("there is no query `{s}`; they are q1 to q8"),
        })
    }
}
