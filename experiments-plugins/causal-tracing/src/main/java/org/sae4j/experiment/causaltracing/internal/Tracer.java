package org.sae4j.experiment.causaltracing.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.stats.Statistics;

/**
 * Restores clean values in corrupted runs (Meng et al. 2022). Every restored run resumes from the corrupted residual stream before the
 * first restored layer, from about the restored token on, since the tokens before it are those of the corrupted run. A restoration that
 * changes no value is not run: it is the corrupted run.
 */
public final class Tracer {
    /** Floats of captured values that are kept at a time. */
    private static final long MAX_FLOATS = 1L << 26;

    private final BatchedRuns runs;
    private final Transformer model;
    private final Progress progress;

    /**
     * Prepares traces.
     *
     * @param runs runs of the model
     * @param model the model
     * @param progress told of every restored place
     */
    public Tracer(BatchedRuns runs, Transformer model, Progress progress) {
        this.runs = runs;
        this.model = model;
        this.progress = progress;
    }

    /**
     * A traced prompt.
     *
     * @param traced the prompt and its corrupted runs
     * @param clean mean score of the clean run, which is scored as each corrupted run is
     * @param corrupted score of each corrupted run
     * @param restored mean score over the corrupted runs, by place and token
     */
    public record Trace(Corruption.Case traced, double clean, double[] corrupted, Map<Place, double[]> restored) {
        /** {@return the mean of the corrupted scores} */
        public double corruptedMean() {
            return Statistics.mean(corrupted);
        }
    }

    /** Clean and corrupted values of one prompt. */
    record Captured(Corruption.Case traced, double clean, double[] corrupted, Map<HookPoint, Tensor> cleanValues,
            List<Map<HookPoint, Tensor>> corruptedValues) {}

    /**
     * Traces prompts.
     *
     * @param cases prompts with their corrupted runs
     * @param places what to restore, each at every token
     * @param stage name for progress reports
     * @return one trace for each prompt
     */
    public List<Trace> trace(List<Corruption.Case> cases, List<Place> places, String stage) {
        Set<HookPoint> needed = new LinkedHashSet<>(Place.hooks(places));
        needed.addAll(runs.keysAndValues(places.stream().mapToInt(Place::start).min().orElse(0)));
        List<HookPoint> hooks = List.copyOf(needed);
        List<Trace> traces = new ArrayList<>();
        long done = 0;
        for (List<Corruption.Case> group : groups(cases, hooks)) {
            List<Captured> captured = capture(group, hooks);
            List<Map<Place, double[]>> restored = new ArrayList<>();
            captured.forEach(_ -> restored.add(new LinkedHashMap<>()));
            for (Place place : places) {
                restore(captured, place, restored);
                done += group.size();
                progress.update(stage, done, (long) cases.size() * places.size());
            }
            for (int i = 0; i < captured.size(); i++) {
                Captured c = captured.get(i);
                traces.add(new Trace(c.traced(), c.clean(), c.corrupted(), restored.get(i)));
            }
        }
        return traces;
    }

    /** Splits cases into groups whose captured values fit in memory. */
    List<List<Corruption.Case>> groups(List<Corruption.Case> cases, List<HookPoint> hooks) {
        List<List<Corruption.Case>> groups = new ArrayList<>();
        long floats = 0;
        for (Corruption.Case c : cases) {
            int length = c.prompt().run().tokens().length;
            long own = hooks.stream().mapToLong(hook -> Arrays.stream(model.shape(hook, 1, length)).asLongStream()
                    .reduce(1, (a, b) -> a * b)).sum() * (c.corrupted().size() + 1);
            if (groups.isEmpty() || floats + own > MAX_FLOATS) {
                groups.add(new ArrayList<>());
                floats = 0;
            }
            floats += own;
            groups.getLast().add(c);
        }
        return groups;
    }

    /** Runs prompts clean and corrupted. */
    List<Captured> capture(List<Corruption.Case> cases, List<HookPoint> hooks) {
        List<BatchedRuns.Run> all = new ArrayList<>();
        for (Corruption.Case c : cases) {
            all.add(c.prompt().run());
            c.corrupted().forEach(corrupted -> all.add(corrupted.run()));
        }
        List<Map<HookPoint, Tensor>> values = new ArrayList<>(java.util.Collections.nCopies(all.size(), Map.of()));
        float[][][] logits = new float[all.size()][][];
        Set<HookPoint> captures = new LinkedHashSet<>(hooks);
        captures.add(HookPoint.LOGITS);
        runs.forEach(0, all, List.copyOf(captures), true, (run, batch, row) -> {
            values.set(run, BatchedRuns.values(batch, row, hooks));
            logits[run] = BatchedRuns.rows(batch, row);
        });
        List<Captured> captured = new ArrayList<>();
        int at = 0;
        for (Corruption.Case c : cases) {
            int n = c.corrupted().size();
            float[][] cleanLogits = logits[at];
            int[] answer = c.prompt().answer();
            double clean = Statistics.mean(c.corrupted().stream().mapToDouble(run -> run.score(cleanLogits, answer)).toArray());
            double[] corrupted = new double[n];
            for (int r = 0; r < n; r++) {
                corrupted[r] = c.corrupted().get(r).score(logits[at + 1 + r], answer);
            }
            captured.add(new Captured(c, clean, corrupted, values.get(at), values.subList(at + 1, at + 1 + n)));
            at += n + 1;
        }
        return captured;
    }

    private void restore(List<Captured> captured, Place place, List<Map<Place, double[]>> restored) {
        record Cell(int prompt, int token, int row) {}
        List<Cell> cells = new ArrayList<>();
        List<BatchedRuns.Run> resumed = new ArrayList<>();
        List<double[][]> scores = new ArrayList<>();
        HookPoint start = Place.residual(place.start());
        for (int i = 0; i < captured.size(); i++) {
            Captured c = captured.get(i);
            int n = c.corrupted().length;
            double[][] byToken = new double[c.traced().prompt().tokens().length][n];
            scores.add(byToken);
            for (int token = 0; token < byToken.length; token++) {
                for (int row = 0; row < n; row++) {
                    Map<HookPoint, Tensor> before = c.corruptedValues().get(row);
                    List<BatchedRuns.Change> changes = c.traced().prompt().restoredWith(token).boxed()
                            .flatMap(position -> place.restore(position, c.cleanValues(), before).stream()).toList();
                    if (changes.isEmpty()) {
                        byToken[token][row] = c.corrupted()[row];
                    } else {
                        cells.add(new Cell(i, token, row));
                        resumed.add(c.traced().corrupted().get(row).run().resumed(before.get(start), changes, before));
                    }
                }
            }
        }
        runs.forEach(place.start(), resumed, List.of(HookPoint.LOGITS), true, (run, batch, row) -> {
            Cell cell = cells.get(run);
            Captured c = captured.get(cell.prompt());
            scores.get(cell.prompt())[cell.token()][cell.row()] = c.traced().corrupted().get(cell.row()).score(BatchedRuns.rows(batch, row),
                    c.traced().prompt().answer());
        });
        for (int i = 0; i < captured.size(); i++) {
            restored.get(i).put(place, Arrays.stream(scores.get(i)).mapToDouble(Statistics::mean).toArray());
        }
    }
}
