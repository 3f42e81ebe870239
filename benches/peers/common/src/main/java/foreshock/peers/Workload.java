package foreshock.peers;

/**
 * The rows of q1 to q8, as {@code src/bench/workload.rs} makes them: splitmix64 with seed 42, K symbols,
 * prices from 0 to 100, volumes from 1 to 1000. Made before anything is measured.
 */
public final class Workload {
    public final int events;
    public final long[] ts;
    public final String[] symbol;
    public final double[] price;
    public final long[] volume;

    private long state = 42;

    public Workload(String query, int events) {
        int keys = query.equals("q8") ? 10_000 : 100;
        int perMs = query.equals("q7") ? 1 : 10;
        String[] names = new String[keys];
        for (int k = 0; k < keys; k++) {
            names[k] = String.format("S%05d", k);
        }
        this.events = events;
        ts = new long[events];
        symbol = new String[events];
        price = new double[events];
        volume = new long[events];
        for (int i = 0; i < events; i++) {
            ts[i] = i / perMs;
            symbol[i] = names[(int) below(keys)];
            price[i] = (bits() >>> 11) * (1.0 / (1L << 53)) * 100.0;
            volume[i] = 1 + below(1000);
        }
    }

    private long bits() {
        state += 0x9e3779b97f4a7c15L;
        long z = state;
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }

    private long below(long bound) {
        return (bits() >>> 33) % bound;
    }
}
