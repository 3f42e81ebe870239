package foreshock.peers;

import java.util.List;

/** Another engine. */
public interface Peer {
    /** What it can run: a name for the table and the number of the query, e.g. {@code q5}. */
    record Case(String engine, String query, String note) {}

    /** A query over the first rows of a workload, ready to go. */
    interface Job extends AutoCloseable {
        /** Sends all rows and returns when all results are there. */
        void go() throws Exception;

        /** How many rows came out. */
        long rows();
    }

    /** What can be run, in order. */
    List<Case> cases();

    /** Sets everything up; what this takes isn't measured. */
    Job prepare(Case c, Workload workload, int events) throws Exception;

    /**
     * Whether {@link Job#go} starts threads of its own, whose CPU time counts, and takes long to begin.
     * Then the CPU time of the process is taken, and that of a tenth of the rows is subtracted.
     */
    default boolean ownThreads() {
        return false;
    }
}
