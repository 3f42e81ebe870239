//! A fraud rule inside a service: events arrive as structs from several tokio tasks, alerts leave
//! through a channel; the state survives a restart.
use foreshock::{App, AppOptions, Error, Value};
use serde::Serialize;

const RULES: &str = "
    @app:name('CardFraud')
    define stream Txns (card string, amount double, country string);

    -- A card is used in two countries within half an hour.
    @info(name = 'travel')
    from every e1=Txns -> e2=Txns[card == e1.card and country != e1.country] within 30 min
    select e1.card, e1.country as first, e2.country as second insert into Travel;

    -- Five payments with one card within a minute.
    @info(name = 'velocity')
    from Txns#window.time(1 min)
    select card, count() as payments, sum(amount) as total
    group by card having payments >= 5L insert into Velocity;";

#[derive(Serialize)]
struct Txn {
    card: &'static str,
    amount: f64,
    country: &'static str,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let (alerts, mut inbox) = tokio::sync::mpsc::unbounded_channel();
    let app = App::from_text_with(RULES, AppOptions::default())?;
    watch(&app, &alerts)?;

    let txns = app.input("Txns")?;
    let task = tokio::spawn(async move {
        for second in 0..3 {
            let txn = Txn { card: "4711", amount: 10.0, country: "DE" };
            txns.send_struct(second * 1_000, &txn)?;
        }
        Ok::<(), Error>(())
    });
    task.await.map_err(|e| Error::Limit(e.to_string()))??;

    // The service restarts; the rules go on where they were.
    let saved = app.snapshot()?;
    app.shutdown()?;
    let app = App::restore(RULES, AppOptions::default(), &saved)?;
    watch(&app, &alerts)?;
    let txns = app.input("Txns")?;
    txns.send_struct(3_000, &Txn { card: "4711", amount: 10.0, country: "DE" })?;
    txns.send_struct(4_000, &Txn { card: "4711", amount: 900.0, country: "BR" })?;
    app.shutdown()?;

    while let Ok(line) = inbox.try_recv() {
        println!("{line}");
    }
    Ok(())
}

fn watch(app: &App, out: &tokio::sync::mpsc::UnboundedSender<String>) -> Result<(), Error> {
    for stream in ["Travel", "Velocity"] {
        let out = out.clone();
        app.subscribe(stream, move |alerts| {
            for row in 0..alerts.rows() {
                let values: Vec<String> = alerts.row(row).iter().map(Value::to_string).collect();
                // The receiver is gone only when the service is going down.
                let _ = out.send(format!("{}: {}", alerts.name(), values.join(", ")));
            }
        })?;
    }
    Ok(())
}
