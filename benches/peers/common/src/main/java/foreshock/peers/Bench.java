package foreshock.peers;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Map;

/** Runs the cases of a peer and prints a line for each, for run.sh to put into a table. */
public final class Bench {
    private Bench() {}

    /** Events of each query, unless the environment has EVENTS: so many that a run takes seconds. */
    private static final Map<String, Integer> EVENTS = Map.of(
            "q1", 1_000_000, "q2", 400_000, "q3", 400_000, "q4", 1_000_000,
            "q5", 100_000, "q6", 300_000, "q7", 100_000, "q8", 400_000);

    private static final int REPETITIONS = 3;

    /** Warm-up: at least two runs, and so long. */
    private static final long WARM_UP_NS = 4_000_000_000L;

    /** Queries named on the command line; all of them if there are none. */
    public static void run(Peer peer, String[] queries) {
        for (Peer.Case c : peer.cases()) {
            if (queries.length > 0 && !Arrays.asList(queries).contains(c.query())) {
                continue;
            }
            try {
                measure(peer, c);
            } catch (Throwable e) {
                System.out.printf("FAILED\t%s\t%s\t%s%n", c.engine(), c.query(), e);
                e.printStackTrace();
            }
            System.out.flush();
        }
        System.exit(0);
    }

    private static void measure(Peer peer, Peer.Case c) throws Exception {
        String given = System.getenv("EVENTS");
        int events = given != null ? Integer.parseInt(given) : EVENTS.get(c.query());
        Workload workload = new Workload(c.query(), events);
        int fewer = peer.ownThreads() ? events / 10 : 0;
        long begin = System.nanoTime();
        for (int i = 0; i < 2 || System.nanoTime() - begin < WARM_UP_NS; i++) {
            once(peer, c, workload, events);
        }
        double[] cpu = new double[REPETITIONS];
        double[] wall = new double[REPETITIONS];
        long rows = 0;
        for (int i = 0; i < REPETITIONS; i++) {
            long[] all = once(peer, c, workload, events);
            long[] some = fewer > 0 ? once(peer, c, workload, fewer) : new long[3];
            cpu[i] = (double) (all[0] - some[0]) / (events - fewer);
            wall[i] = (double) (all[1] - some[1]) / (events - fewer);
            rows = all[2];
        }
        Arrays.sort(cpu);
        Arrays.sort(wall);
        System.out.printf("RESULT\t%s\t%s\t%d\t%d\t%.1f\t%.1f\t%s%n", c.engine(), c.query(), events,
                rows, cpu[REPETITIONS / 2], wall[REPETITIONS / 2], c.note());
    }

    /** CPU time, wall-clock time (ns), rows. */
    private static long[] once(Peer peer, Peer.Case c, Workload workload, int events) throws Exception {
        try (Peer.Job job = peer.prepare(c, workload, events)) {
            System.gc();
            long cpu = cpu(peer);
            long wall = System.nanoTime();
            job.go();
            return new long[] {cpu(peer) - cpu, System.nanoTime() - wall, job.rows()};
        }
    }

    private static long cpu(Peer peer) {
        if (peer.ownThreads()) {
            return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
        }
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }
}
