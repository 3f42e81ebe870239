package foreshock.peers.esper;

import com.espertech.esper.common.client.EPCompiled;
import com.espertech.esper.common.client.configuration.Configuration;
import com.espertech.esper.compiler.client.CompilerArguments;
import com.espertech.esper.compiler.client.EPCompilerProvider;
import com.espertech.esper.runtime.client.EPDeployment;
import com.espertech.esper.runtime.client.EPEventService;
import com.espertech.esper.runtime.client.EPRuntime;
import com.espertech.esper.runtime.client.EPRuntimeProvider;
import com.espertech.esper.runtime.client.EPStatement;
import foreshock.peers.Bench;
import foreshock.peers.Peer;
import foreshock.peers.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Esper, with external time: the clock goes to each event's time before the event is sent. */
public final class Main implements Peer {
    /**
     * The queries in EPL. {@code ts} is selected where Esper would otherwise put out a row for the group
     * of each leaving event, too. Its {@code within} ends a millisecond earlier than Siddhi's.
     */
    private static final Map<String, String> QUERIES = new TreeMap<>(Map.of(
            "q1", "select symbol, price from S(price > 50)",
            "q2", "select ts, symbol, avg(price) as ap from S#length(1000) group by symbol",
            "q3", "select ts, symbol, avg(price) as ap from S#time(1 sec) group by symbol",
            "q4", "select symbol, sum(volume) as v, avg(price) as ap from S#ext_timed_batch(ts, 1 sec) "
                    + "group by symbol",
            "q5", "select e1.symbol as symbol, e1.price as p1, e2.price as p2 from pattern [every "
                    + "e1=S(price > 90) -> e2=S(symbol = e1.symbol and price > e1.price) "
                    + "where timer:within(1001 msec)]",
            "q6", "select * from S match_recognize (measures A.symbol as symbol, A.price as p1, "
                    + "B.price as p2 after match skip to next row pattern (A B) "
                    + "define B as B.price > A.price)",
            "q7", "select A.symbol as symbol, A.price as pa, B.price as pb "
                    + "from A#length(100) as A, B#length(100) as B where A.symbol = B.symbol",
            "q8", "select ts, symbol, avg(price) as ap from S#groupwin(symbol)#length(100) "
                    + "group by symbol"));

    private static int runtimes = 0;

    public static void main(String[] queries) {
        Bench.run(new Main(), queries);
    }

    @Override
    public List<Case> cases() {
        List<Case> cases = new ArrayList<>();
        QUERIES.keySet().forEach(q -> cases.add(new Case("Esper 9.0", q, "")));
        return cases;
    }

    @Override
    public Job prepare(Case c, Workload w, int events) throws Exception {
        String[] streams = c.query().equals("q7") ? new String[] {"A", "B"} : new String[] {"S"};
        StringBuilder module = new StringBuilder();
        for (String s : streams) {
            module.append("@public @buseventtype create objectarray schema ").append(s)
                    .append(" as (ts long, symbol string, price double, volume long);\n");
        }
        module.append("@name('out') ").append(QUERIES.get(c.query())).append(";\n");
        Configuration configuration = new Configuration();
        configuration.getRuntime().getThreading().setInternalTimerEnabled(false);
        EPCompiled compiled = EPCompilerProvider.getCompiler()
                .compile(module.toString(), new CompilerArguments(configuration));
        EPRuntime runtime = EPRuntimeProvider.getRuntime("r" + runtimes++, configuration);
        EPEventService service = runtime.getEventService();
        service.clockExternal();
        service.advanceTime(0);
        EPDeployment deployment = runtime.getDeploymentService().deploy(compiled);
        EPStatement out = runtime.getDeploymentService()
                .getStatement(deployment.getDeploymentId(), "out");
        long[] rows = new long[1];
        out.addListener((fresh, old, statement, r) -> rows[0] += fresh == null ? 0 : fresh.length);
        return new Job() {
            @Override
            public void go() {
                long clock = 0;
                for (int i = 0; i < events; i++) {
                    if (w.ts[i] != clock) {
                        clock = w.ts[i];
                        service.advanceTime(clock);
                    }
                    Object[] data = {w.ts[i], w.symbol[i], w.price[i], w.volume[i]};
                    service.sendEventObjectArray(data, streams[i % streams.length]);
                }
            }

            @Override
            public long rows() {
                return rows[0];
            }

            @Override
            public void close() {
                runtime.destroy();
            }
        };
    }
}
