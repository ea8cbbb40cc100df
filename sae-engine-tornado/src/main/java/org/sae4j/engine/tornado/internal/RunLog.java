package org.sae4j.engine.tornado.internal;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.sae4j.api.engine.EngineException;

/** The file of the setting {@code profile}: a header, then one line for each run, with tabs between the columns. */
final class RunLog implements AutoCloseable {
    private static final String COLUMNS = "program\trun\tlaunches\tbytes_sent\tbytes_returned\tkernel_ns\ttransfer_ns\twall_ns\n";

    private final Path file;
    private final BufferedWriter writer;

    /**
     * What one run took.
     *
     * @param launches kernels started
     * @param sent bytes to the device, the kernels' arguments included
     * @param returned bytes from the device, those that were read after the run included
     * @param kernelNanos time in kernels, as the device measured it
     * @param transferNanos time in transfers, as the device measured it, without those of later reads
     * @param wallNanos time from start to end on the host, the first run's compilation included
     */
    record Run(int launches, long sent, long returned, long kernelNanos, long transferNanos, long wallNanos) {
        Run andReturned(long bytes) {
            return new Run(launches, sent, returned + bytes, kernelNanos, transferNanos, wallNanos);
        }
    }

    /** Begins the file anew; throws {@link EngineException} if it cannot be written. */
    RunLog(Path file) {
        this.file = file;
        try {
            writer = Files.newBufferedWriter(file);
            writer.write(COLUMNS);
            writer.flush();
        } catch (IOException e) {
            throw failed(e);
        }
    }

    synchronized void write(String program, int number, Run run) {
        try {
            writer.write("%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d%n".formatted(program.replaceAll("\\s", " "), number, run.launches, run.sent,
                    run.returned, run.kernelNanos, run.transferNanos, run.wallNanos));
            writer.flush();
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private EngineException failed(IOException e) {
        return new EngineException("the profile cannot be written: " + e, file.toString(),
                "set " + TornadoSettings.PROFILE + " to a file in a folder that can be written", e);
    }

    @Override
    public synchronized void close() {
        try {
            writer.close();
        } catch (IOException e) {
            throw failed(e);
        }
    }
}
