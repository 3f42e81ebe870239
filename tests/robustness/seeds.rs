//! Applications to begin with: the registry's examples, some of our own, and the recorded corpus
//! where it is at hand.

use foreshock::registry;

use super::support::corpus;

const OWN: &[&str] = &[
    "@app:name('fraud') @app:playback
     define stream Txns (card string, amount double, country string, ts long);
     @info(name='velocity') from Txns#window.time(1 min)
     select card, count() as n, sum(amount) as total group by card having n > 3 and total > 100.0
     order by total desc limit 5 offset 1 insert all events into Alerts;
     from every e1=Txns[amount < 5.0] -> e2=Txns[card == e1.card and amount > e1.amount * 10]<1:3>
       -> e3=Txns[card == e1.card and country != e1.country] within 10 min
     select e1.card as card, e2[0].amount as first, e2[last].amount as last, e3.country as country
     insert into Travel;",
    "define stream L (k string, a int, b double, t long); define stream R (k string, a int, b double, t long);
     from L[a > 0]#window.length(5) as l full outer join R#window.time(1 sec) as r
       on l.k == r.k and l.a < r.a select l.k as k, l.a + r.a as s, coalesce(l.b, r.b) as b insert into J;
     from L#window.lengthBatch(3) as l unidirectional join R#window.externalTime(t, 1 sec) as r
     select l.a, r.t insert all events into K;
     partition with (k of L, k of R) begin
       from L#window.externalTimeBatch(t, 1 sec, 0, 500) select k, max(a) as m insert into #I;
       from #I join R#window.length(1) on #I.k == R.k select #I.m as m, R.a as a insert into P;
       from every e1=L, e2=R+[a > e1.a], e3=L?[k == e1.k] select e1.a as x, e2[last].a as y insert into Q;
     end;",
    "@OnError(action='STREAM') define stream S (a int, b bool, o object, f float);
     from S[not (b) and (a % 3 == 0 or f is null)]#log('seen', true)#window.timeBatch(1 sec, 0, true)
     select ifThenElse(a > 1, 'x', \"y\") as s, convert(a, 'double') / 0 as d, createSet(a) as c,
       instanceOfInteger(o) as i, default(f, 1.5f) as g, UUID() as u, currentTimeMillis() as n
     group by b insert expired events into T;
     from !S select a, _error insert into Faults;
     from T[a > 0]#window.batch() select * insert into T2;",
    "@watermark(attribute='ts', delay='5 sec') @source(type='inMemory', topic='x', @map(type='json'))
     define stream S (ts long, v double); @sink(type='log', prefix='p') define stream O (v double);
     define table T (a int); define window W (a int) length(3); define trigger G at every 5 sec;
     define function f[javascript] return string { return data[0]; };
     define aggregation A from S select avg(v) as m group by v aggregate by ts every sec ... year;
     from S#window.unique:ever(v) select v output last every 5 events insert into O;
     from not S[v > 1.0] for 1 sec -> e2=S select e2.v insert into O;
     from S select v update or insert into T set T.a = v on T.a == v;",
];

/// All applications to begin with.
pub fn all() -> Vec<String> {
    let mut seeds: Vec<String> = OWN.iter().map(ToString::to_string).collect();
    seeds.extend(registry::WINDOWS.iter().map(|s| s.example.to_string()));
    seeds.extend(registry::AGGREGATES.iter().map(|s| s.example.to_string()));
    seeds.extend(registry::FUNCTIONS.iter().map(|s| s.example.to_string()));
    if let Some(dir) = corpus::directory() {
        seeds.extend(corpus::load(&dir).into_iter().map(|c| c.app));
    }
    seeds
}
