package org.sae4j.cli;

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

    private final Terminal terminal;
    private final String stage;
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
        terminal.update(stage, done, total, seen == null ? "" : String.format(Locale.ROOT, "explained variance %.3f, L0 %.0f%s",
                seen.metrics.explainedVariance(), seen.metrics.l0(), rate()));
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
