//! Every annotation of SiddhiQL works, or is refused by name.

use foreshock::{App, Code, compile};

const STREAM: &str = "define stream S (a int, b string); ";

fn app(annotated: &str) -> String {
    format!("{annotated} from S select a insert into Out;")
}

#[test]
fn those_that_work_or_mean_nothing_here_are_accepted() {
    for text in [
        "@app:name('x')",
        "@app:description('x')",
        "@app:playback",
        "@app:statistics('true')",
        "@app:statistics(reporter='console', interval='5', include='*.*')",
        "@app:enforceOrder",
        "@app:transportChannelCreationEnabled('true')",
    ] {
        let text = app(&format!("{text} {STREAM}"));
        let (_, found) = compile(&text).unwrap_or_else(|e| panic!("{text}: {e:#?}"));
        assert!(found.is_empty(), "{text}: {found:#?}");
    }
    for text in [
        "@async(buffer.size='64', workers='2', batch.size.max='10')",
        "@OnError(action='LOG')",
        "@OnError(action='stream')",
        "@sink(type='log', prefix='x')",
        "@source(type='inMemory', topic='x', @map(type='passThrough'))",
        "@Export('x')",
        "@Import('x')",
        "@config(async='true')",
        "@mine(anything='goes')",
    ] {
        let text = app(&format!("{text} {STREAM}"));
        assert!(compile(&text).is_ok(), "{text}: {:#?}", compile(&text).err());
    }
    for text in ["@info(name='q')", "@synchronized('true')", "@dist(execGroup='g', parallel='2')"] {
        let text = format!("{STREAM} {text} from S select a insert into Out;");
        assert!(compile(&text).is_ok(), "{text}: {:#?}", compile(&text).err());
    }
}

#[test]
fn the_others_are_refused_by_name() {
    let stream = |a: &str| app(&format!("{a} {STREAM}"));
    for (text, code, part) in [
        (stream("@app:async"), Code::Invalid, "@app:async"),
        (stream("@app:playback(idle.time='1 sec')"), Code::Parameter, "increment"),
        (stream("@app:playback(idle.tim='1 sec', increment='1 sec')"), Code::Parameter, "idle.tim"),
        (
            stream("@app:playback(idle.time='1', increment='1 sec')"),
            Code::Parameter,
            "is not a time",
        ),
        (
            stream("@app:playback(idle.time='1 sec', increment='1 sec')"),
            Code::NotSupported,
            "idle.time",
        ),
        (stream("@async(workers='0')"), Code::Parameter, "workers"),
        (stream("@OnError(action='STORE')"), Code::NotSupported, "STORE"),
        (stream("@OnError(action='EXPLODE')"), Code::Parameter, "EXPLODE"),
        (stream("@sink(ref='x')"), Code::NotSupported, "ref"),
        (stream("@sink(type='carrier-pigeon')"), Code::Name, "carrier-pigeon"),
        (stream("@sink(type='kafka')"), Code::NotSupported, "kafka"),
        (
            format!(
                "{STREAM} @info(name='q') from S select a insert into O; \
                     @info(name='q') from S select a insert into P;"
            ),
            Code::Name,
            "`q`",
        ),
        (
            format!(
                "{STREAM} @purge(enable='true', interval='1 sec', idle.period='1 sec') \
                     partition with (b of S) begin from S select a insert into O; end;"
            ),
            Code::NotSupported,
            "@purge",
        ),
    ] {
        let found = compile(&text).err().unwrap_or_default();
        let told = found.iter().any(|d| d.code == code && d.message.contains(part));
        assert!(told, "{text}\n{found:#?}");
    }
}

/// What stands in an inner query is a query of its own, with a name nobody else can write.
#[test]
fn inner_queries_nest_and_are_named() {
    let app = App::from_text(
        "define stream S (k string, v int);
         from S select k, v insert into First;
         @info(name='outer')
         from (from (from S[v > 0] select k, v return)#window.length(2)
               select k, sum(v) as total return all events)[total > 1]
         select total insert into Out;
         partition with (k of S) begin
         from (from S select v + 1 as w return) select w, count() as n insert into Counts;
         end;
         from First select k insert into Last;",
    )
    .expect("it compiles");
    let names = app.queries();
    let expected = [
        "query_1",
        "outer.inner.inner",
        "outer.inner",
        "outer",
        "query_3.inner",
        "query_3",
        "query_4",
    ];
    assert_eq!(names, expected);
    for wrong in [
        "from (from S select a insert into T) select a insert into Out;",
        "from (from S select a return)[b > 1] select a insert into Out;",
    ] {
        assert!(compile(&format!("define stream S (a int); {wrong}")).is_err(), "{wrong}");
    }
}
