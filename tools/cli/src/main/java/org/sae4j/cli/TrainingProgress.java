package org.sae4j.cli;

import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Progress;
import org.sae4j.core.train.TrainingMetrics;

/** Shows how far a training is, with what its last step saw and how many activations it takes in a second. A listener of the trainer. */
final class TrainingProgress implements Progress, Consumer<TrainingMetrics> {
    /** A step and when it was done. */
    private record Seen(TrainingMetrics metrics, long nanos) {}

    /** Steps are timed for so long before anything is said about all of them. */
    private static final long SETTLING_NANOS = Duration.ofSeconds(5).toNanos();
    private static final double LONG_SECONDS = Duration.ofHours(1).toSeconds();

    private final Terminal terminal;
    private final String stage;
    private boolean saidLong;
    private final AtomicReference<@Nullable Seen> first = new AtomicReference<>();
    private final AtomicReference<@Nullable Seen> last = new AtomicReference<>();

    TrainingProgress(Terminal terminal, String stage) {
        this.terminal = terminal;
        this.stage = stage;
    }

    @Override
    public void accept(TrainingMetrics metrics) {
        Seen seen = new Seen(metrics, System.nanoTime());
        first.compareAndSet(null, seen);
        last.set(seen);
    }

    @Override
    public void update(String ignored, long done, long total) {
        Seen seen = last.get();
        if (seen == null) {
            terminal.update(stage, done, total);
            return;
        }
        TrainingMetrics m = seen.metrics;
        sayIfLong(seen, total);
        terminal.update(stage, done, total, String.format(Locale.ROOT, "step %,d of %,d, explained variance %.3f, L0 %.0f, %,d dead%s", done,
                total, m.explainedVariance(), m.l0(), m.dead(), rate()));
    }

    /** Says once that a run will take hours, as soon as its speed is known. */
    private void sayIfLong(Seen seen, long total) {
        Seen from = first.get();
        if (saidLong || from == null || seen.nanos - from.nanos < SETTLING_NANOS) {
            return;
        }
        saidLong = true;
        long steps = seen.metrics.step() - from.metrics.step();
        double seconds = (seen.nanos - from.nanos) / 1e9 / Math.max(1, steps) * (total - seen.metrics.step());
        if (seconds > LONG_SECONDS) {
            terminal.say("note: " + stage + " will take about " + Terminal.time(seconds) + " at this speed" + rate() + "; Ctrl-C saves a "
                    + "checkpoint, and --resume continues from it");
        }
    }

    @Override
    public boolean isCancelled() {
        return terminal.isCancelled();
    }

    /** {@return what the last step saw, null before it} */
    @Nullable TrainingMetrics last() {
        Seen seen = last.get();
        return seen == null ? null : seen.metrics;
    }

    /** {@return ", N tokens/s" from the second step on; the first one, which loads and compiles, does not count} */
    String rate() {
        Seen from = first.get();
        Seen to = last.get();
        if (from == null || to == null || to.nanos <= from.nanos) {
            return "";
        }
        long tokens = to.metrics.tokens() - from.metrics.tokens();
        return String.format(Locale.ROOT, ", %,.0f tokens/s", 1e9 * tokens / (to.nanos - from.nanos));
    }
}
