package foreshock.peers.siddhi;

import foreshock.peers.Bench;
import foreshock.peers.Peer;
import foreshock.peers.Workload;
import io.siddhi.core.SiddhiAppRuntime;
import io.siddhi.core.SiddhiManager;
import io.siddhi.core.event.Event;
import io.siddhi.core.stream.input.InputHandler;
import io.siddhi.core.stream.output.StreamCallback;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Siddhi: the very texts that Foreshock runs, from files in the folder QUERIES; events are sent singly. */
public final class Main implements Peer {
    public static void main(String[] queries) {
        Bench.run(new Main(), queries);
    }

    @Override
    public List<Case> cases() {
        List<Case> cases = new ArrayList<>();
        for (int i = 1; i <= 8; i++) {
            cases.add(new Case("Siddhi 5.1", "q" + i, ""));
        }
        return cases;
    }

    private static String text(String query) throws IOException {
        return Files.readString(Path.of(System.getenv("QUERIES"), query + ".siddhi"));
    }

    @Override
    public Job prepare(Case c, Workload w, int events) throws Exception {
        SiddhiManager manager = new SiddhiManager();
        SiddhiAppRuntime app = manager.createSiddhiAppRuntime(text(c.query()));
        long[] rows = new long[1];
        app.addCallback("Out", new StreamCallback() {
            @Override
            public void receive(Event[] received) {
                rows[0] += received.length;
            }
        });
        app.start();
        boolean join = c.query().equals("q7");
        InputHandler[] inputs = join
                ? new InputHandler[] {app.getInputHandler("A"), app.getInputHandler("B")}
                : new InputHandler[] {app.getInputHandler("S")};
        return new Job() {
            @Override
            public void go() throws Exception {
                for (int i = 0; i < events; i++) {
                    Object[] data = {w.ts[i], w.symbol[i], w.price[i], w.volume[i]};
                    inputs[i % inputs.length].send(w.ts[i], data);
                }
            }

            @Override
            public long rows() {
                return rows[0];
            }

            @Override
            public void close() {
                app.shutdown();
                manager.shutdown();
            }
        };
    }
}
