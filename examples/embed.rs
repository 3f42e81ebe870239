//! Foreshock in twenty lines: a rule, a subscription, events.
use foreshock::App;

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
    logins.send_at(4_000, ("bob", true))?; // not ann
    logins.send_at(5_000, ("ann", true))?; // prints Suspicious{user: ann, at: 5000}
    app.shutdown()
}
