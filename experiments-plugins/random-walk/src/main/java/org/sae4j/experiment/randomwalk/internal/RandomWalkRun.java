package org.sae4j.experiment.randomwalk.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.experiment.Estimate;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.TextEncoder;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.randomwalk.RandomWalkConfig;
import org.sae4j.experiment.randomwalk.RandomWalkConfig.Basis;
import org.sae4j.experiment.randomwalk.RandomWalkResult;
import org.sae4j.experiment.randomwalk.RandomWalkResult.Decoded;
import org.sae4j.experiment.randomwalk.RandomWalkResult.FixedBasis;
import org.sae4j.experiment.randomwalk.RandomWalkResult.ModeResult;
import org.sae4j.experiment.randomwalk.RandomWalkResult.Start;
import org.sae4j.experiment.randomwalk.RandomWalkResult.Theory;
import org.sae4j.experiment.randomwalk.RandomWalkResult.TokenProbability;
import org.sae4j.experiment.randomwalk.WalkMode;

/** One run of the experiment. */
public final class RandomWalkRun {
    /** Decoder rows that the fixed basis is computed from at most; more are thinned out evenly. */
    private static final int DECODER_ROWS = 4096;

    private final RandomWalkConfig config;
    private final ExperimentContext context;
    private final Transformer model;
    private final SparseAutoencoder sae;
    private final HookPoint hook;
    private final List<String> notes = new ArrayList<>();

    /**
     * Checks that model and autoencoder fit.
     *
     * @param config the settings
     * @param context what to work with
     */
    public RandomWalkRun(RandomWalkConfig config, ExperimentContext context) {
        this.config = config;
        this.context = context;
        model = context.model();
        sae = context.sae();
        if (sae.config().transcoder()) {
            throw new Sae4jException("a walk moves an activation along what features write and encodes it again, which needs one space; a"
                    + " transcoder reads " + sae.config().hook().map(HookPoint::toString).orElse("one hook point") + " and writes another",
                    "random walk", "use an autoencoder");
        }
        hook = TextEncoder.hookOf(model, sae);
    }

    /**
     * Runs.
     *
     * @return the result
     */
    public ExperimentResult<RandomWalkResult> result() {
        Prompt prompt = Prompt.choose(config, context);
        int wanted = prompt.position(config.position());
        Origin origin = Origin.of(model, sae, hook, prompt, wanted);
        if (origin.position() != wanted) {
            notes.add("No feature is active at position " + wanted + "; the walks start at position " + origin.position() + " instead.");
        }
        Reference reference = Reference.sample(context, hook, config.referenceTokens());
        int room = model.config().nCtx() - prompt.tokens().length + 1;
        int length = Math.min(config.continuation(), room);
        if (length < config.continuation()) {
            notes.add("Continuations have " + length + " tokens, which is all that the model's context has room for.");
        }
        PatchedModel patched = new PatchedModel(model, hook, prompt.tokens(), origin.position(), length, context.progress());
        int target = prompt.next().orElse(patched.continuation()[0]);
        Start start = start(prompt, origin, patched, target);
        double step = config.stepShare() * start.latentNorm();
        double activationStep = step * decodedStep() * origin.scale();
        Paths paths = new Paths(origin, reference, config.steps(), step, activationStep, context.random("random-walk"));
        Theory theory = NullTheory.of(config.steps(), Geometry.COMPONENTS, Geometry.DRAWN);
        Basis source = config.basis();
        float[][] rows = source == Basis.ACTIVATIONS ? reference.activations() : decoderRows();
        PrincipalAxes axes = PrincipalAxes.of(rows, mean(rows), Geometry.DRAWN, context.random("random-walk basis"), context.progress());
        ModeWalks walks = new ModeWalks(sae, origin, paths, patched, axes.axes(), reference.meanActivation(), theory.scores(), target,
                config.walks(), config.steps(), context.progress());

        List<ModeResult> modes = new ArrayList<>();
        List<Decoded> decoded = new ArrayList<>();
        for (WalkMode mode : config.modes()) {
            Optional<ModeWalks.Walked> walked = walks.walk(mode);
            if (walked.isEmpty()) {
                notes.add("Walks of kind " + mode.label() + " are omitted: among 1,000 random directions none allows a step of length "
                        + Estimate.number(step) + " here.");
            } else {
                modes.add(walked.get().result());
                decoded.addAll(decode(mode, walked.get(), patched, length));
            }
        }
        FixedBasis basis = new FixedBasis(source, rows.length, reference.fromCorpus(), axes.axes(), axes.shares(),
                deviations(axes.axes(), reference));
        RandomWalkResult data = new RandomWalkResult(start, config.steps(), List.copyOf(modes), List.copyOf(decoded), theory, basis);
        Findings findings = new Findings(config, data, context);
        notes.addAll(explanations(prompt, data, activationStep));
        return new ExperimentResult<>(data, findings.sentences(), findings.metrics(), new WalkFigures(config, data, context.seed())
                .figures(),
                notes);
    }

    private Start start(Prompt prompt, Origin origin, PatchedModel patched, int target) {
        int[] active = IntStream.range(0, origin.features().length).filter(i -> origin.features()[i] != 0).toArray();
        float[] values = new float[active.length];
        for (int i = 0; i < active.length; i++) {
            values[i] = (float) origin.features()[active[i]];
        }
        double error = Vectors.squaredDistance(origin.activation(), origin.reconstruction());
        double norm = Vectors.norm(origin.activation());
        return new Start(Arrays.stream(prompt.tokens()).mapToObj(this::token).toList(), prompt.tokens(), origin.position(), active, values,
                Vectors.norm(origin.features()), norm, error / origin.activation().length, error / (norm * norm), target,
                prompt.next().isPresent(), patched.cleanLoss(target), patched.continuation(), text(patched.continuation()));
    }

    /** The root mean square length of a decoded isotropic direction of length 1, before the normalization is undone. */
    private double decodedStep() {
        Tensor decoder = decoder();
        double sum = 0;
        for (int row = 0; row < decoder.dim(0); row++) {
            float[] values = decoder.row(row);
            sum += Vectors.dot(values, values);
        }
        return Math.sqrt(sum / decoder.dim(0));
    }

    private Tensor decoder() {
        Tensor decoder = sae.parameters().get("W_dec");
        if (decoder == null) {
            throw new IllegalStateException("the autoencoder has no parameter W_dec");
        }
        return decoder;
    }

    private float[][] decoderRows() {
        Tensor decoder = decoder();
        int stride = Math.ceilDiv(decoder.dim(0), DECODER_ROWS);
        if (stride > 1) {
            notes.add("The fixed basis is computed from one decoder row in " + stride + ", to bound its cost.");
        }
        return IntStream.range(0, Math.ceilDiv(decoder.dim(0), stride)).mapToObj(i -> decoder.row((long) i * stride))
                .toArray(float[][]::new);
    }

    private static double[] mean(float[][] rows) {
        double[] mean = new double[rows[0].length];
        for (float[] row : rows) {
            for (int i = 0; i < mean.length; i++) {
                mean[i] += row[i] / (double) rows.length;
            }
        }
        return mean;
    }

    private static double[] deviations(float[][] axes, Reference reference) {
        return Arrays.stream(axes).mapToDouble(axis -> Statistics.standardDeviation(Arrays.stream(reference.activations())
                .mapToDouble(row -> Vectors.dot(axis, row)).toArray())).toArray();
    }

    private List<Decoded> decode(WalkMode mode, ModeWalks.Walked walked, PatchedModel patched, int length) {
        // Denser near the start, where texts begin to change.
        int shown = config.shownSteps();
        int[] points = IntStream.range(0, shown).map(i -> (int) Math.round(config.steps() * Math.pow((double) i / (shown - 1), 2)))
                .distinct()
                .toArray();
        float[][] moved = Arrays.stream(points).mapToObj(t -> walked.firstWalk()[t]).toArray(float[][]::new);
        int[][] continuations = patched.continuations(moved, length);
        List<List<PatchedModel.Candidate>> candidates = patched.candidates(moved, config.topTokens());
        return IntStream.range(0, points.length).mapToObj(i -> new Decoded(mode, points[i], walked.result().curves().kl()[0][points[i]],
                candidates.get(i).stream().map(c -> new TokenProbability(c.id(), token(c.id()), c.probability())).toList(),
                continuations[i], text(continuations[i]))).toList();
    }

    private String token(int id) {
        return model.tokenizer().map(t -> id < t.vocabularySize() ? t.token(id) : "#" + id).orElse("#" + id);
    }

    private String text(int[] ids) {
        Optional<Tokenizer> tokenizer = model.tokenizer();
        return tokenizer.isPresent() && Arrays.stream(ids).allMatch(id -> id < tokenizer.get().vocabularySize())
                ? tokenizer.get().decode(ids) : String.join(" ", Arrays.stream(ids).mapToObj(id -> "#" + id).toList());
    }

    private List<String> explanations(Prompt prompt, RandomWalkResult data, double activationStep) {
        List<String> all = new ArrayList<>();
        all.add("All walks start at one token, from " + prompt.origin()
                + ": intervals and bands say how much the direction matters, not how much the prompt does.");
        all.add("A point of a walk enters the model as the clean activation plus the decoded difference of its features to the start, so "
                + "the error of the autoencoder "
                + "(" + Text.percent(data.start().unexplained())
                + " of the squared norm here) stays and step 0 is the clean model.");
        all.add("Steps in the activation space have length " + Estimate.number(activationStep) + ", the root mean square of a free step after "
                + "decoding. The steps of interpolations divide the way to another token evenly, and are therefore longer or shorter than "
                + "those of the other walks.");
        all.add("The loss is that of " + (data.start().targetFromCorpus() ? "the token that follows in the corpus"
                : "the clean model's own most probable token") + ", " + token(data.start().target()) + ".");
        if (!data.basis().fromCorpus()) {
            all.add("Without a corpus and a tokenizer, covariances, ranges and the fixed basis come from random tokens, on which a "
                    + "model does not behave as on text.");
        }
        all.add("Features whose activations are negative, as on free walks and circles, are decoded unchanged; no encoder would give "
                + "them.");
        return all;
    }
}
