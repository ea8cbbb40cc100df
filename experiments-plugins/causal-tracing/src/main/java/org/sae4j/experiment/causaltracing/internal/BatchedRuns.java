package org.sae4j.experiment.causaltracing.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;

/** Many independent runs, each with changes of its own, packed into few forward passes. */
public final class BatchedRuns {
    /** Floats that one pass may return: captured values and logits. */
    private static final long MAX_FLOATS = 1L << 26;
    /** Tokens below which a pass costs what reading the weights costs: runs are not parted for less. */
    private static final int MIN_TOKENS = 64;

    private final Transformer model;
    private final int batchTokens;
    private final Progress progress;

    /**
     * Packs runs of a model.
     *
     * @param model the model
     * @param batchTokens most tokens in a pass (but at least one run)
     * @param progress asked for cancellation before every pass
     */
    public BatchedRuns(Transformer model, int batchTokens, Progress progress) {
        this.model = model;
        this.batchTokens = batchTokens;
        this.progress = progress;
    }

    /**
     * A change at one position of one run.
     *
     * @param hook where, or null for the residual stream that the run resumes from, which can only be set
     * @param position the position
     * @param mode whether the value replaces or is added
     * @param value the value
     */
    public record Change(@Nullable HookPoint hook, int position, ForwardPlan.Mode mode, float[] value) {
        /**
         * A replacement.
         *
         * @param hook where, or null for the residual stream that the run resumes from
         * @param position the position
         * @param value the value
         * @return the change
         */
        public static Change set(@Nullable HookPoint hook, int position, float[] value) {
            return new Change(hook, position, ForwardPlan.Mode.SET, value);
        }

        /**
         * An addition.
         *
         * @param hook where
         * @param position the position
         * @param value the value
         * @return the change
         */
        public static Change add(HookPoint hook, int position, float[] value) {
            return new Change(hook, position, ForwardPlan.Mode.ADD, value);
        }
    }

    /**
     * One run.
     *
     * @param tokens its tokens
     * @param residual the residual stream [pos, d_model] that it resumes from, or null to start from the tokens
     * @param changes what is changed
     * @param unchanged values [pos, width] of the run that it resumes, by hook point: with the keys and values of the blocks that it runs, it
     *     can begin at its first changed position; empty to run all positions
     * @param scored last positions whose logits are read, at least 1; nothing is changed behind the first of them
     */
    public record Run(int[] tokens, @Nullable Tensor residual, List<Change> changes, Map<HookPoint, Tensor> unchanged, int scored) {
        /**
         * A run without changes whose last position is read.
         *
         * @param tokens its tokens
         * @return the run
         */
        public static Run of(int[] tokens) {
            return of(tokens, 1);
        }

        /**
         * A run without changes.
         *
         * @param tokens its tokens
         * @param scored last positions whose logits are read
         * @return the run
         */
        public static Run of(int[] tokens, int scored) {
            return new Run(tokens, null, List.of(), Map.of(), scored);
        }

        /**
         * The same run with changes, from its tokens.
         *
         * @param all what is changed
         * @return the run
         */
        public Run changed(List<Change> all) {
            return new Run(tokens, null, all, Map.of(), scored);
        }

        /**
         * This run, resumed with other changes.
         *
         * @param from the residual stream that it resumes from
         * @param all what is changed
         * @param values values of this run by hook point
         * @return the run
         */
        public Run resumed(@Nullable Tensor from, List<Change> all, Map<HookPoint, Tensor> values) {
            return new Run(tokens, from, all, values, scored);
        }

        /** The first position whose last logits can differ from those of the run that this one resumes. */
        private int first(int layer, TransformerConfig config) {
            if (unchanged.isEmpty()) {
                return 0;
            }
            // Behind the last block a position does not see the others.
            int last = tokens.length - scored;
            return layer == config.nLayers() ? last : changes.stream().mapToInt(Change::position).min().orElse(last);
        }
    }

    /** Takes the values of one run. */
    @FunctionalInterface
    public interface Sink {
        /**
         * Takes values.
         *
         * @param run number of the run
         * @param batch the values of its pass
         * @param row its row in the pass
         */
        void accept(int run, Activations batch, int row);
    }

    /**
     * The logits at the last position of every run.
     *
     * @param layer the block that runs resume before; not used by runs that start from their tokens
     * @param runs the runs, all of which resume or none
     * @return one row of logits for each run
     */
    public float[][] lastLogits(int layer, List<Run> runs) {
        return Arrays.stream(logits(layer, runs)).map(rows -> rows[rows.length - 1]).toArray(float[][]::new);
    }

    /**
     * The logits at the scored positions of every run.
     *
     * @param layer the block that runs resume before; not used by runs that start from their tokens
     * @param runs the runs, all of which resume or none
     * @return one row of logits for each run and scored position
     */
    public float[][][] logits(int layer, List<Run> runs) {
        float[][][] logits = new float[runs.size()][][];
        forEach(layer, runs, List.of(HookPoint.LOGITS), true, (run, batch, row) -> logits[run] = rows(batch, row));
        return logits;
    }

    /**
     * The logits of one run out of a batch that was executed for its scored positions.
     *
     * @param batch the values of a pass
     * @param row the run's row
     * @return one row of logits for each scored position
     */
    public static float[][] rows(Activations batch, int row) {
        Tensor logits = batch.get(HookPoint.LOGITS).slice(row);
        return IntStream.range(0, logits.dim(0)).mapToObj(logits::row).toArray(float[][]::new);
    }

    /**
     * Executes runs.
     *
     * @param layer the block that runs resume before; not used by runs that start from their tokens
     * @param runs the runs, all of which resume or none
     * @param captures what to capture
     * @param scoredOnly whether logits are computed at the scored positions only
     * @param sink takes the values of each run
     */
    public void forEach(int layer, List<Run> runs, List<HookPoint> captures, boolean scoredOnly, Sink sink) {
        record Shape(int length, int scored) {}
        SequencedMap<Shape, List<Integer>> byShape = new LinkedHashMap<>();
        for (int r = 0; r < runs.size(); r++) {
            byShape.computeIfAbsent(new Shape(runs.get(r).tokens().length, runs.get(r).scored()), _ -> new ArrayList<>()).add(r);
        }
        byShape.forEach((shape, members) -> {
            int length = shape.length();
            long floats = 0;
            for (HookPoint hook : captures) {
                int positions = scoredOnly && hook.equals(HookPoint.LOGITS) ? shape.scored() : length;
                floats += Arrays.stream(model.shape(hook, 1, length)).asLongStream().reduce(1, (a, b) -> a * b)
                        / length * positions;
            }
            long most = MAX_FLOATS / floats;
            boolean onlyLogits = scoredOnly && captures.equals(List.of(HookPoint.LOGITS));
            ToIntFunction<Integer> first = member -> onlyLogits ? runs.get(member).first(layer, model.config()) : 0;
            members.sort(Comparator.comparingInt(first).reversed());
            int from = 0;
            for (int to = 1; to <= members.size(); to++) {
                int begin = first.applyAsInt(members.get(to - 1));
                int next = to < members.size() ? first.applyAsInt(members.get(to)) : -1;
                if (next < 0 || next < begin && (to - from) * (length - begin) >= MIN_TOKENS || to - from >= most
                        || (to + 1L - from) * (length - next) > batchTokens) {
                    progress.checkCancelled();
                    pass(layer, runs, members.subList(from, to), begin, length, captures, scoredOnly, sink);
                    from = to;
                }
            }
        });
    }

    /** One pass over the positions from {@code begin} on. */
    private void pass(int layer, List<Run> runs, List<Integer> members, int begin, int length, List<HookPoint> captures, boolean scoredOnly,
            Sink sink) {
        ForwardPlan.Builder plan = ForwardPlan.builder().capture(captures.toArray(HookPoint[]::new));
        if (scoredOnly) {
            plan.logitsAt(IntStream.rangeClosed(1 - runs.get(members.getFirst()).scored(), 0).map(i -> i - 1).toArray());
        }
        int[][] tokens = new int[members.size()][];
        boolean resumes = runs.get(members.getFirst()).residual() != null;
        int width = model.config().dModel();
        int kept = length - begin;
        float[] residual = new float[resumes ? Math.multiplyExact(members.size() * kept, width) : 0];
        SequencedMap<Place, List<Located>> edits = new LinkedHashMap<>();
        for (int b = 0; b < tokens.length; b++) {
            Run run = runs.get(members.get(b));
            tokens[b] = Arrays.copyOfRange(run.tokens(), begin, length);
            if ((run.residual() != null) != resumes) {
                throw new IllegalArgumentException("of the runs of one call all resume or none");
            }
            if (run.residual() != null) {
                run.residual().copyTo((long) begin * width, residual, b * kept * width, kept * width);
            }
            for (Change change : run.changes()) {
                int row = b * kept + change.position() - begin;
                if (change.position() < begin) {
                    continue;
                }
                if (change.hook() == null) {
                    System.arraycopy(change.value(), 0, residual, row * width, width);
                } else {
                    edits.computeIfAbsent(new Place(change.hook(), change.mode()), _ -> new ArrayList<>())
                            .add(new Located(row, change.value()));
                }
            }
        }
        if (resumes) {
            plan.startAt(layer, Tensor.of(residual, tokens.length, kept, width));
        }
        if (begin > 0) {
            plan.after(prefix(layer, members.stream().map(runs::get).toList(), begin), begin);
        }
        edits.forEach((place, located) -> addEdit(plan, place, located));
        Activations values = model.forward(tokens, plan.build());
        IntStream.range(0, tokens.length).forEach(b -> sink.accept(members.get(b), values, b));
    }

    /** The keys and values of the positions before {@code length}. */
    private Activations prefix(int layer, List<Run> runs, int length) {
        Map<HookPoint, Tensor> values = new LinkedHashMap<>();
        for (HookPoint hook : keysAndValues(layer)) {
            // Keys and values may have fewer heads than queries.
            int[] shape = model.shape(hook, runs.size(), length);
            int size = Math.toIntExact(IntStream.of(shape).skip(1).asLongStream().reduce(1, Math::multiplyExact));
            float[] rows = new float[Math.multiplyExact(runs.size(), size)];
            for (int b = 0; b < runs.size(); b++) {
                Objects.requireNonNull(runs.get(b).unchanged().get(hook), hook.toString()).copyTo(0, rows, b * size, size);
            }
            values.put(hook, Tensor.of(rows, shape));
        }
        return new Activations(values);
    }

    /**
     * What a run has to keep so that others can resume it behind its first positions.
     *
     * @param layer the first block that they run
     * @return the keys and values of this and all later blocks
     */
    public List<HookPoint> keysAndValues(int layer) {
        return model.cacheHooks().stream().filter(hook -> hook.layer() >= layer).toList();
    }

    private static void addEdit(ForwardPlan.Builder plan, Place place, List<Located> located) {
        int width = located.getFirst().value().length;
        float[] values = new float[located.size() * width];
        int[] rows = new int[located.size()];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = located.get(i).row();
            System.arraycopy(located.get(i).value(), 0, values, i * width, width);
        }
        Tensor tensor = Tensor.of(values, rows.length, width);
        switch (place.mode()) {
            case SET -> plan.set(place.hook(), rows, tensor);
            case ADD -> plan.add(place.hook(), rows, tensor);
        }
    }

    private record Place(HookPoint hook, ForwardPlan.Mode mode) {}

    private record Located(int row, float[] value) {}

    /**
     * The values of one run out of a batch.
     *
     * @param batch the values of a pass
     * @param row the run's row
     * @param hooks what to keep
     * @return views [pos, width] with heads flattened, by hook point
     */
    public static Map<HookPoint, Tensor> values(Activations batch, int row, List<HookPoint> hooks) {
        Map<HookPoint, Tensor> values = new LinkedHashMap<>();
        for (HookPoint hook : hooks) {
            Tensor slice = batch.get(hook).slice(row);
            values.put(hook, slice.reshape(slice.dim(0), -1));
        }
        return values;
    }
}
