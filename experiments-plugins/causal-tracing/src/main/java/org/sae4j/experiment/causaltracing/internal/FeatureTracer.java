package org.sae4j.experiment.causaltracing.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.sae4j.api.Tensor;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.experiment.causaltracing.CausalTracingResult.FeatureEffect;
import org.sae4j.experiment.causaltracing.CausalTracingResult.FeatureShare;
import org.sae4j.experiment.causaltracing.TokenRole;

/**
 * Features of an autoencoder as sites: {@code x + (f_clean - f_corrupted) d_j} in the corrupted run, with the part of x that the
 * autoencoder does not reconstruct kept as it is. As in {@link Tracer}, the positions behind the prompt, which predict an answer's further
 * tokens, are restored with the prompt's last token.
 */
public final class FeatureTracer {
    private final BatchedRuns runs;
    private final Tracer tracer;
    private final SparseAutoencoder sae;
    /** What is read. */
    private final HookPoint input;
    /** Where features write; that of the input unless it is a transcoder. */
    private final HookPoint hook;

    /**
     * Prepares an autoencoder.
     *
     * @param runs runs of the model
     * @param tracer captures clean and corrupted values
     * @param sae an autoencoder that {@link #fitting} found
     */
    public FeatureTracer(BatchedRuns runs, Tracer tracer, SparseAutoencoder sae) {
        this.runs = runs;
        this.tracer = tracer;
        this.sae = sae;
        input = sae.config().hook().orElseThrow();
        hook = sae.config().hookOut().orElseThrow();
    }

    /**
     * The first autoencoder or transcoder of a run whose output is an editable place in a block of the model.
     *
     * @param context the run
     * @return the autoencoder, or empty if there is none
     */
    public static Optional<SparseAutoencoder> fitting(ExperimentContext context) {
        return context.autoencoders().stream().filter(sae -> sae.config().hook()
                .filter(hook -> isOf(hook, sae.config().dIn(), context.model())).isPresent() && sae.config().hookOut()
                .filter(hook -> hook.layer() >= 0 && hook.site().isEditable() && isOf(hook, sae.config().dOut(), context.model()))
                .isPresent()).findFirst();
    }

    private static boolean isOf(HookPoint hook, int width, Transformer model) {
        return model.hookPoints().contains(hook) && model.width(hook).orElse(0) == width;
    }

    /** {@return where the features write} */
    public HookPoint hook() {
        return hook;
    }

    /**
     * One prompt's values at the hook with what the autoencoder makes of them: first the clean run's positions, then each corrupted run's.
     */
    private final class Encoded {
        final Tracer.Captured captured;
        final int length;
        final float[][] x;
        final float[][] reconstruction;
        final double[] scale;
        final SparseRows features;

        Encoded(Tracer.Captured captured) {
            this.captured = captured;
            length = captured.traced().prompt().run().tokens().length;
            int rows = length * (captured.corrupted().length + 1);
            Tensor inputs = values(input, sae.config().dIn());
            Tensor targets = input.equals(hook) ? inputs : values(hook, sae.config().dOut());
            Tensor outputs = sae.reconstruct(inputs);
            features = sae.encode(inputs);
            x = new float[rows][];
            reconstruction = new float[rows][];
            scale = new double[rows];
            for (int row = 0; row < rows; row++) {
                x[row] = targets.row(row);
                reconstruction[row] = outputs.row(row);
                scale[row] = sae.config().normalization().scale(inputs.row(row));
            }
        }

        /** The values at a hook point: the clean run's tokens, then each corrupted run's. */
        private Tensor values(HookPoint at, int width) {
            float[] values = new float[length * (captured.corrupted().length + 1) * width];
            Objects.requireNonNull(captured.cleanValues().get(at)).copyTo(0, values, 0, length * width);
            for (int r = 0; r < captured.corrupted().length; r++) {
                Tensor corrupted = Objects.requireNonNull(captured.corruptedValues().get(r).get(at));
                corrupted.copyTo(0, values, (r + 1) * length * width, length * width);
            }
            return Tensor.of(values, values.length / width, width);
        }

        int corruptedRow(int run, int position) {
            return (run + 1) * length + position;
        }

        /** The positions that are restored with a token. */
        IntStream restoredWith(int token) {
            return captured.traced().prompt().restoredWith(token);
        }
    }

    private List<HookPoint> hooks() {
        Set<HookPoint> hooks = new LinkedHashSet<>(Arrays.asList(input, hook, Place.residual(hook.layer())));
        hooks.addAll(runs.keysAndValues(hook.layer()));
        return List.copyOf(hooks);
    }

    private List<Encoded> encode(List<Corruption.Case> cases) {
        return tracer.capture(cases, hooks()).stream().map(Encoded::new).toList();
    }

    /**
     * Restores single features at single tokens.
     *
     * @param traced a prompt with its corrupted runs
     * @param most features restored at a token, those with the largest difference of {@code f |d_j|} first
     * @return effects by token and, within a token, by descending absolute effect
     */
    public List<FeatureEffect> single(Corruption.Case traced, int most) {
        Encoded encoded = encode(List.of(traced)).getFirst();
        Tensor decoder = Objects.requireNonNull(sae.parameters().get("W_dec"));
        Prompt prompt = traced.prompt();
        int n = encoded.captured.corrupted().length;
        List<FeatureEffect> effects = new ArrayList<>();
        double corrupted = Arrays.stream(encoded.captured.corrupted()).average().orElseThrow();
        for (int token = prompt.subjectFrom(); token < prompt.tokens().length; token++) {
            List<Integer> candidates = candidates(encoded, token, most, decoder);
            List<BatchedRuns.Run> restored = new ArrayList<>();
            for (int feature : candidates) {
                for (int r = 0; r < n; r++) {
                    int run = r;
                    restored.add(resume(encoded, r, encoded.restoredWith(token)
                            .mapToObj(position -> restore(encoded, run, position, feature, decoder)).toList()));
                }
            }
            double[] means = scores(encoded, restored);
            List<FeatureEffect> own = new ArrayList<>();
            for (int i = 0; i < means.length; i++) {
                int feature = candidates.get(i);
                own.add(new FeatureEffect(token, prompt.labels().get(token), feature, encoded.features.get(token, feature),
                        meanActivation(encoded, token, feature), means[i] - corrupted));
            }
            own.sort(Comparator.comparingDouble(e -> -Math.abs(e.indirectEffect())));
            effects.addAll(own);
        }
        return effects;
    }

    private BatchedRuns.Change restore(Encoded encoded, int run, int position, int feature, Tensor decoder) {
        int row = encoded.corruptedRow(run, position);
        float factor = (float) (encoded.features.get(position, feature) * encoded.scale[position]
                - encoded.features.get(row, feature) * encoded.scale[row]);
        float[] value = decoder.row(feature);
        for (int i = 0; i < value.length; i++) {
            value[i] *= factor;
        }
        return BatchedRuns.Change.add(hook, position, value);
    }

    private List<Integer> candidates(Encoded encoded, int token, int most, Tensor decoder) {
        TreeSet<Integer> active = new TreeSet<>();
        for (int r = -1; r < encoded.captured.corrupted().length; r++) {
            int row = encoded.corruptedRow(r, token);
            for (int e = encoded.features.start(row); e < encoded.features.start(row + 1); e++) {
                active.add(encoded.features.index(e));
            }
        }
        record Candidate(int feature, double size) {}
        return active.stream().map(feature -> {
            double difference = Math.abs(encoded.features.get(token, feature) - meanActivation(encoded, token, feature));
            double norm = 0;
            for (float value : decoder.row(feature)) {
                norm += (double) value * value;
            }
            return new Candidate(feature, difference * Math.sqrt(norm));
        }).filter(c -> c.size() > 0).sorted(Comparator.comparingDouble(c -> -c.size())).limit(most).map(Candidate::feature).toList();
    }

    private static double meanActivation(Encoded encoded, int token, int feature) {
        int n = encoded.captured.corrupted().length;
        double sum = 0;
        for (int r = 0; r < n; r++) {
            sum += encoded.features.get(encoded.corruptedRow(r, token), feature);
        }
        return sum / n;
    }

    private BatchedRuns.Run resume(Encoded encoded, int run, List<BatchedRuns.Change> changes) {
        Map<HookPoint, Tensor> values = encoded.captured.corruptedValues().get(run);
        return encoded.captured.traced().corrupted().get(run).run().resumed(values.get(Place.residual(hook.layer())), changes, values);
    }

    /** Mean scores of consecutive restored runs, one mean for as many runs as there are corrupted ones. */
    private double[] scores(Encoded encoded, List<BatchedRuns.Run> restored) {
        Corruption.Case traced = encoded.captured.traced();
        int n = traced.corrupted().size();
        double[] means = new double[restored.size() / n];
        float[][][] logits = runs.logits(hook.layer(), restored);
        for (int i = 0; i < logits.length; i++) {
            means[i / n] += traced.corrupted().get(i % n).score(logits[i], traced.prompt().answer()) / n;
        }
        return means;
    }

    /** The mean scores of one prompt by token, with all features restored, with the error restored, and with both. */
    record Together(Prompt prompt, double corrupted, double[] features, double[] error, double[] full) {}

    List<Together> together(List<Corruption.Case> cases) {
        List<Together> results = new ArrayList<>();
        for (List<Corruption.Case> group : tracer.groups(cases, hooks())) {
            for (Encoded encoded : encode(group)) {
                results.add(together(encoded));
            }
        }
        return results;
    }

    private Together together(Encoded encoded) {
        List<BatchedRuns.Run> restored = new ArrayList<>();
        int n = encoded.captured.corrupted().length;
        Prompt prompt = encoded.captured.traced().prompt();
        for (int token = 0; token < prompt.tokens().length; token++) {
            List<BatchedRuns.Run> error = new ArrayList<>();
            List<BatchedRuns.Run> full = new ArrayList<>();
            for (int r = 0; r < n; r++) {
                List<BatchedRuns.Change> features = new ArrayList<>();
                List<BatchedRuns.Change> errors = new ArrayList<>();
                List<BatchedRuns.Change> both = new ArrayList<>();
                for (int position : encoded.restoredWith(token).toArray()) {
                    int row = encoded.corruptedRow(r, position);
                    float[] explained = difference(encoded.reconstruction[position], encoded.reconstruction[row]);
                    float[] all = difference(encoded.x[position], encoded.x[row]);
                    features.add(BatchedRuns.Change.add(hook, position, explained));
                    errors.add(BatchedRuns.Change.add(hook, position, difference(all, explained)));
                    both.add(BatchedRuns.Change.set(hook, position, encoded.x[position]));
                }
                restored.add(resume(encoded, r, features));
                error.add(resume(encoded, r, errors));
                full.add(resume(encoded, r, both));
            }
            restored.addAll(error);
            restored.addAll(full);
        }
        double[] means = scores(encoded, restored);
        double[][] kinds = new double[3][prompt.tokens().length];
        for (int i = 0; i < means.length; i++) {
            kinds[i % 3][i / 3] = means[i];
        }
        return new Together(prompt, Arrays.stream(encoded.captured.corrupted()).average().orElseThrow(),
                kinds[0], kinds[1], kinds[2]);
    }

    private static float[] difference(float[] a, float[] b) {
        float[] difference = new float[a.length];
        for (int i = 0; i < difference.length; i++) {
            difference[i] = a[i] - b[i];
        }
        return difference;
    }

    /**
     * Restores all features, the error term, and both, token by token.
     *
     * @param cases prompts with their corrupted runs
     * @param averages makes intervals
     * @return mean effects by role of the tokens
     */
    public List<FeatureShare> shares(List<Corruption.Case> cases, Averages averages) {
        List<Together> all = together(cases);
        List<FeatureShare> shares = new ArrayList<>();
        for (TokenRole role : TokenRole.values()) {
            List<Together> with = all.stream().filter(t -> t.prompt().roles().contains(role)).toList();
            if (with.isEmpty()) {
                continue;
            }
            double[] features = with.stream().mapToDouble(t -> Averages.meanByRole(t.prompt(), t.features(), role) - t.corrupted())
                    .toArray();
            double[] error = with.stream().mapToDouble(t -> Averages.meanByRole(t.prompt(), t.error(), role) - t.corrupted()).toArray();
            double[] full = with.stream().mapToDouble(t -> Averages.meanByRole(t.prompt(), t.full(), role) - t.corrupted()).toArray();
            shares.add(new FeatureShare(role, averages.mean(features, "features " + role), averages.mean(error, "error " + role),
                    averages.mean(full, "full " + role)));
        }
        return shares;
    }
}
