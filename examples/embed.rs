//! Foreshock in twenty lines: a rule, a subscription, single events and a record batch.
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray};
use foreshock::{App, Times};

fn main() -> Result<(), foreshock::Error> {
    let app = App::from_text(
        "define stream Logins (user string, ok bool);
         from every e1=Logins[ok == false]<3> -> e2=Logins[ok == true and user == e1[0].user]
           within 1 min
         select e2.user, eventTimestamp(e2) as at insert into Suspicious;",
    )?;
    app.subscribe("Suspicious", |alerts| print!("{alerts}"))?;

    let logins = app.input("Logins")?;
    for second in 1..=3 {
        logins.send_at(second * 1_000, ("ann", false))?;
    }
    let users: ArrayRef = Arc::new(StringArray::from(vec!["bob", "ann"])); // bob is not ann
    let ok: ArrayRef = Arc::new(BooleanArray::from(vec![true, true]));
    let batch = RecordBatch::try_from_iter([("user", users), ("ok", ok)])?;
    logins.send_batch(&batch, Times::Each(&[4_000, 5_000]))?; // prints Suspicious{user: ann, at: 5000}
    app.shutdown()
}
