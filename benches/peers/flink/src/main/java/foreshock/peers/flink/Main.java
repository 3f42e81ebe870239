package foreshock.peers.flink;

import foreshock.peers.Bench;
import foreshock.peers.Peer;
import foreshock.peers.Workload;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.cep.CEP;
import org.apache.flink.cep.PatternSelectFunction;
import org.apache.flink.cep.nfa.aftermatch.AfterMatchSkipStrategy;
import org.apache.flink.cep.pattern.Pattern;
import org.apache.flink.cep.pattern.conditions.IterativeCondition;
import org.apache.flink.cep.pattern.conditions.SimpleCondition;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;

/** Flink in this process, parallelism 1, objects reused: SQL, and for q5 and q6 its CEP library, too. */
public final class Main implements Peer {
    private static final String OVER = "select symbol, avg(price) over (partition by symbol order by rowtime ";
    private static final String SEQUENCE =
            "order by rowtime measures a.symbol as s1, a.price as p1, b.price as p2 "
                    + "one row per match after match skip to next row ";

    /** The queries in Flink SQL. */
    private static final Map<String, String> QUERIES = new TreeMap<>(Map.of(
            "q1", "select symbol, price from S where price > 50",
            "q2", OVER + "rows between 999 preceding and current row) as ap from S",
            "q3", OVER + "range between interval '1' second preceding and current row) as ap from S",
            "q4", "select symbol, sum(volume) as v, avg(price) as ap "
                    + "from table(tumble(table S, descriptor(rowtime), interval '1' second)) "
                    + "group by window_start, window_end, symbol",
            "q5", "select p1, p2 from S match_recognize (partition by symbol "
                    + SEQUENCE + "pattern (a x*? b) within interval '1' second "
                    + "define a as a.price > 90, b as b.price > a.price)",
            "q6", "select s1, p1, p2 from S match_recognize ("
                    + SEQUENCE + "pattern (a b) define b as b.price > a.price)",
            "q7", "select A.symbol as symbol, A.price as pa, B.price as pb from A join B "
                    + "on A.symbol = B.symbol and A.rowtime between B.rowtime - interval '0.2' second "
                    + "and B.rowtime + interval '0.2' second",
            "q8", OVER + "rows between 99 preceding and current row) as ap from S"));

    /** Where Flink SQL has nothing that means the same: what it does instead. */
    private static final Map<String, String> NOTES = Map.of(
            "q2", "the last 1000 rows of each symbol",
            "q4", "closes the last window at the end of its input",
            "q7", "interval join of 200 ms, about 100 rows");

    /** A row. */
    public static class Tick {
        public long ts;
        public String symbol;
        public double price;
        public long volume;
    }

    private static Tick[] ticks = {};
    private static Workload of = null;
    private static final AtomicLong ROWS = new AtomicLong();

    public static void main(String[] queries) {
        Bench.run(new Main(), queries);
    }

    @Override
    public List<Case> cases() {
        List<Case> cases = new ArrayList<>();
        QUERIES.keySet().forEach(q -> {
            cases.add(new Case("Flink SQL", q, NOTES.getOrDefault(q, "")));
            if (q.equals("q5") || q.equals("q6")) {
                cases.add(new Case("Flink CEP", q, ""));
            }
        });
        return cases;
    }

    @Override
    public boolean ownThreads() {
        return true;
    }

    /** Every {@code step}th row from {@code first} on, with timestamps and watermarks. */
    private static DataStream<Tick> source(StreamExecutionEnvironment env, int events, int first, int step) {
        return env.fromSequence(0, (events - first - 1) / step)
                .map(i -> ticks[(int) (i * step + first)])
                .returns(TypeInformation.of(Tick.class))
                .assignTimestampsAndWatermarks(WatermarkStrategy.<Tick>forMonotonousTimestamps()
                        .withTimestampAssigner((t, before) -> t.ts));
    }

    private static <T> void count(DataStream<T> out) {
        out.map(r -> {
            ROWS.incrementAndGet();
            return r;
        }).returns(out.getType()).sinkTo(new DiscardingSink<>());
    }

    private static void sql(StreamExecutionEnvironment env, String query, int events) {
        StreamTableEnvironment tables = StreamTableEnvironment.create(env);
        Schema schema = Schema.newBuilder()
                .column("ts", "BIGINT").column("symbol", "STRING")
                .column("price", "DOUBLE").column("volume", "BIGINT")
                .columnByMetadata("rowtime", "TIMESTAMP_LTZ(3)")
                .watermark("rowtime", "SOURCE_WATERMARK()").build();
        if (query.equals("q7")) {
            tables.createTemporaryView("A", source(env, events, 0, 2), schema);
            tables.createTemporaryView("B", source(env, events, 1, 2), schema);
        } else {
            tables.createTemporaryView("S", source(env, events, 0, 1), schema);
        }
        count(tables.toDataStream(tables.sqlQuery(QUERIES.get(query))));
    }

    private static void cep(StreamExecutionEnvironment env, String query, int events) {
        Pattern<Tick, Tick> first = Pattern.begin("e1", AfterMatchSkipStrategy.noSkip());
        IterativeCondition<Tick> higher = new IterativeCondition<>() {
            @Override
            public boolean filter(Tick t, Context<Tick> context) throws Exception {
                for (Tick e1 : context.getEventsForPattern("e1")) {
                    return t.price > e1.price;
                }
                return false;
            }
        };
        boolean q5 = query.equals("q5");
        Pattern<Tick, Tick> pattern = q5
                ? first.where(SimpleCondition.of(t -> t.price > 90)).followedBy("e2").where(higher)
                        .within(Duration.ofSeconds(1))
                : first.next("e2").where(higher);
        KeySelector<Tick, String> key = q5 ? t -> t.symbol : t -> "";
        DataStream<Tick> rows = source(env, events, 0, 1).keyBy(key);
        PatternSelectFunction<Tick, Double> select =
                m -> m.get("e1").get(0).price + m.get("e2").get(0).price;
        count(CEP.pattern(rows, pattern).select(select, TypeInformation.of(Double.class)));
    }

    @Override
    public Job prepare(Case c, Workload w, int events) {
        if (of != w) {
            ticks = new Tick[w.events];
            for (int i = 0; i < w.events; i++) {
                Tick t = new Tick();
                t.ts = w.ts[i];
                t.symbol = w.symbol[i];
                t.price = w.price[i];
                t.volume = w.volume[i];
                ticks[i] = t;
            }
            of = w;
        }
        StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(1);
        env.getConfig().enableObjectReuse();
        ROWS.set(0);
        if (c.engine().equals("Flink CEP")) {
            cep(env, c.query(), events);
        } else {
            sql(env, c.query(), events);
        }
        return new Job() {
            @Override
            public void go() throws Exception {
                env.execute();
            }

            @Override
            public long rows() {
                return ROWS.get();
            }

            @Override
            public void close() {}
        };
    }
}
