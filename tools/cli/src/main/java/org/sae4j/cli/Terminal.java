package org.sae4j.cli;

import java.io.OutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import org.sae4j.api.Progress;

/**
 * Shows what is being done: on a terminal one changing line on standard error, elsewhere one line for each stage and each half minute of it
 * on standard output, so that standard error holds nothing but failures.
 */
final class Terminal implements Progress {
    /** Set by the launcher, as Java cannot tell whether standard error is a terminal. */
    private static final boolean INTERACTIVE = Boolean.getBoolean("sae.terminal");
    private static final long REDRAW_NANOS = Duration.ofMillis(100).toNanos();
    private static final long QUIET_NANOS = Duration.ofSeconds(30).toNanos();
    private static final int BAR = 24;
    /** A narrow terminal cuts the line; wrapped, it could not be drawn over. */
    private static final String NO_WRAP = "\033[?7l";
    private static final String WRAP = "\033[?7h";
    private static boolean lineOpen;
    private static volatile boolean outputIsData;

    private final PrintStream out;
    private final boolean interactive;
    private final Set<String> announced = new HashSet<>();
    private String stage = "";
    private long stageStart;
    /** Where the stage began: work that is resumed does not begin at 0. */
    private long stageFrom;
    private long lastDrawn;

    Terminal() {
        this(INTERACTIVE || outputIsData ? System.err : System.out, INTERACTIVE);
    }

    Terminal(PrintStream out, boolean interactive) {
        this.out = out;
        this.interactive = interactive;
    }

    /** {@return progress that is shown on a terminal and nowhere else, for commands whose standard output scripts read} */
    static Terminal quiet() {
        return INTERACTIVE ? new Terminal() : new Terminal(new PrintStream(OutputStream.nullOutputStream()), false);
    }

    /** {@return whether a person sees what is said while it is said} */
    static boolean isInteractive() {
        return INTERACTIVE;
    }

    /** Says whether standard output belongs to what programs read, so that lines about the work go to standard error. */
    static void keepOutputForData(boolean data) {
        outputIsData = data;
    }

    /** Ends a progress line, so that what follows starts on a line of its own. */
    static synchronized void endLine() {
        if (lineOpen) {
            System.err.println();
            lineOpen = false;
        }
    }

    /** Prints a line about what was done. */
    void say(String line) {
        synchronized (Terminal.class) {
            clear();
            out.println(Printable.lines(line));
            announced.clear();
            stage = "";
        }
    }

    private void clear() {
        if (lineOpen) {
            out.print("\r\033[K");
            lineOpen = false;
        }
    }

    @Override
    public void update(String newStage, long done, long total) {
        update(newStage, done, total, "");
    }

    /** Reports a position with a remark that changes as the work goes on. */
    void update(String newStage, long done, long total, String remark) {
        synchronized (Terminal.class) {
            long now = System.nanoTime();
            boolean started = !newStage.equals(stage);
            if (started) {
                stage = newStage;
                stageStart = now;
                stageFrom = done;
            }
            if (!interactive) {
                if (announced.add(newStage)) {
                    lastDrawn = now;
                    out.println(Printable.line(newStage));
                } else if (now - lastDrawn > QUIET_NANOS) {
                    lastDrawn = now;
                    out.println(Printable.line(line(done, total, now) + (remark.isEmpty() ? "" : "  " + remark)));
                }
            } else if (started || now - lastDrawn > REDRAW_NANOS || done == total) {
                lastDrawn = now;
                out.print("\r\033[K" + NO_WRAP + Printable.line(line(done, total, now) + (remark.isEmpty() ? "" : "  " + remark)) + WRAP);
                out.flush();
                lineOpen = true;
            }
        }
    }

    private String line(long done, long total, long now) {
        if (total <= 0) {
            return stage + (done > 0 ? " " + done : "");
        }
        double share = Math.clamp((double) done / total, 0.0, 1.0);
        int filled = (int) (share * BAR);
        double elapsed = (now - stageStart) / 1e9;
        double covered = (double) (done - stageFrom) / total;
        String left = covered > 0 && elapsed > 1 && (covered > 0.02 || elapsed > 10)
                ? "  " + time(elapsed * (1 - share) / covered) + " left" : "";
        String bar = interactive ? " [" + "=".repeat(filled) + " ".repeat(BAR - filled) + "]" : "";
        return String.format(Locale.ROOT, "%s%s %3.0f%%%s", stage, bar, 100 * share, left);
    }

    /** Seconds as people say them. */
    static String time(double seconds) {
        long minutes = Math.round(seconds / 60);
        return seconds < 100 ? Math.round(seconds) + " s" : minutes < 60 ? minutes + " min" : minutes / 60 + " h " + minutes % 60 + " min";
    }

    @Override
    public boolean isCancelled() {
        return Interruption.requested();
    }
}
