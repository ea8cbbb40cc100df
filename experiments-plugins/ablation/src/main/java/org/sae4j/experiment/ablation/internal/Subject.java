package org.sae4j.experiment.ablation.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.api.sae.TextEncoder;
import org.sae4j.experiment.ablation.AblationConfig;

/**
 * The text under study with everything that a clean pass gives.
 *
 * @param tokens its tokens
 * @param labels their texts
 * @param first the first position that may be ablated: after the beginning-of-sequence token
 * @param hook where the features write: the autoencoder's hook point, or where a transcoder's output belongs
 * @param x what the reconstruction is compared with, one row for each token: the autoencoder's inputs, or what a transcoder predicts
 * @param reconstruction the autoencoder's or transcoder's outputs
 * @param scale the factor of decoder rows in each reconstruction
 * @param features feature activations
 * @param decoder decoder rows
 * @param norms their norms
 * @param resumed what a clean pass captured so that others can resume it
 * @param clean next-token distributions
 * @param logits logits after the last token
 */
public record Subject(int[] tokens, List<String> labels, int first, HookPoint hook, float[][] x, float[][] reconstruction, double[] scale,
        SparseRows features, float[][] decoder, double[] norms, Activations resumed, List<Distribution> clean, float[] logits) {
    private static final String DEFAULT_TEXT = "The capital of France is";

    /**
     * Reads the text and runs it.
     *
     * @param config says which text
     * @param context the run
     * @param random makes a text where there is neither tokenizer nor corpus
     * @return the text under study
     * @throws Sae4jException if the autoencoder does not fit the model, its hook point cannot be edited, or the text does not fit
     */
    public static Subject of(AblationConfig config, ExperimentContext context, CounterRandom random) {
        Transformer model = context.model();
        SparseAutoencoder sae = context.sae();
        HookPoint input = TextEncoder.hookOf(model, sae);
        HookPoint hook = TextEncoder.outputOf(model, sae);
        checkEditable(hook);
        int[] tokens = tokens(config, context, random);
        Activations clean = model.forward(new int[][] {tokens}, ForwardPlan.builder().capture(input, hook, HookPoint.LOGITS)
                .capture(Passes.resumed(model, hook).toArray(HookPoint[]::new)).build());
        Tensor inputs = clean.get(input).reshape(tokens.length, sae.config().dIn());
        Tensor x = clean.get(hook).reshape(tokens.length, sae.config().dOut());
        Tensor reconstruction = sae.reconstruct(inputs);
        Tensor decoder = Objects.requireNonNull(sae.parameters().get("W_dec"));
        float[][] rows = rows(x);
        double[] scale = new double[rows.length];
        for (int row = 0; row < rows.length; row++) {
            scale[row] = sae.config().normalization().scale(inputs.row(row));
        }
        float[][] vectors = rows(decoder);
        double[] norms = new double[vectors.length];
        for (int j = 0; j < norms.length; j++) {
            norms[j] = Vectors.norm(vectors[j]);
        }
        Tensor logits = clean.logits().slice(0);
        List<Distribution> distributions = new ArrayList<>();
        for (int position = 0; position < tokens.length; position++) {
            distributions.add(Distribution.of(logits.row(position)));
        }
        Optional<Tokenizer> tokenizer = model.tokenizer();
        List<String> labels = IntStream.of(tokens).mapToObj(id -> tokenizer.map(t -> t.token(id)).orElse("#" + id)).toList();
        int first = tokenizer.isPresent() && context.tokenization().excluded().contains(tokens[0]) ? 1 : 0;
        return new Subject(tokens, labels, first, hook, rows, rows(reconstruction), scale, sae.encode(inputs), vectors, norms,
                clean, List.copyOf(distributions), logits.row(tokens.length - 1));
    }

    private static void checkEditable(HookPoint hook) {
        if (hook.layer() < 0 || !hook.site().isEditable() || hook.site().isPattern()) {
            throw new Sae4jException("features can be ablated only where a block's values can be edited", "ablation at " + hook,
                    "use an autoencoder of the residual stream, an attention or an MLP site");
        }
    }

    private static int[] tokens(AblationConfig config, ExperimentContext context, CounterRandom random) {
        int limit = Math.min(config.maxTokens(), context.model().config().nCtx());
        int vocabulary = context.model().config().dVocab();
        Optional<Tokenizer> tokenizer = context.model().tokenizer();
        if (config.text().isEmpty() && !config.tokens().isEmpty()) {
            for (int id : config.tokens()) {
                if (id < 0 || id >= vocabulary) {
                    throw new Sae4jException("token " + id + " is not in the vocabulary of " + vocabulary, "configuration of ablation,"
                            + " tokens",
                            "use ids from 0 to " + (vocabulary - 1));
                }
            }
            return config.tokens().stream().limit(limit).mapToInt(Integer::intValue).toArray();
        }
        if (tokenizer.isEmpty()) {
            if (!config.text().isEmpty()) {
                throw new Sae4jException("a text cannot be read without a tokenizer", "configuration of ablation, text",
                        "give tokens, or put tokenizer.json into the model's folder");
            }
            return IntStream.generate(() -> random.nextInt(vocabulary)).limit(Math.min(limit, 16)).toArray();
        }
        String text = !config.text().isEmpty() ? config.text()
                : !context.facts().isEmpty() ? context.facts().getFirst().prompt()
                : !context.corpus().isEmpty() ? context.corpus().getFirst().text() : DEFAULT_TEXT;
        IntStream ids = IntStream.of(tokenizer.get().encode(text).ids());
        int[] tokens = IntStream.concat(context.tokenization().bos().stream(), ids).limit(limit).toArray();
        if (tokens.length == 0) {
            throw new Sae4jException("the text has no tokens", "ablation", "give a text that is not empty");
        }
        return tokens;
    }

    private static float[][] rows(Tensor matrix) {
        float[][] rows = new float[matrix.dim(0)][];
        for (int row = 0; row < rows.length; row++) {
            rows[row] = matrix.row(row);
        }
        return rows;
    }

    /**
     * A feature's activation at a position that may be ablated.
     *
     * @param position the position
     * @param feature the feature
     * @return its activation; 0 at the beginning-of-sequence token
     */
    public double activation(int position, int feature) {
        return position < first ? 0 : features.get(position, feature);
    }

    /**
     * The norm of a feature's contribution at a position.
     *
     * @param position the position
     * @param feature the feature
     * @return {@code f_j |d_j|}, with the normalization undone
     */
    public double strength(int position, int feature) {
        return activation(position, feature) * norms[feature] * scale[position];
    }

    /**
     * What a feature contributes to the reconstructions of the text. Of a feature that is not active everything is 0.
     *
     * @param tokens number of tokens where it is active
     * @param firstToken the first of them, or -1
     * @param strength sum over tokens of {@code f_j |d_j|}
     * @param maxActivation its largest activation
     * @param meanActivation its mean activation over the tokens where it is active
     * @param reconstructionChange mean norm over these tokens of what its removal changes, {@code f_j |d_j|}
     * @param mseChange mean rise over these tokens of the squared error, {@code (2 f_j <x - x^, d_j> + f_j^2 |d_j|^2) / d}
     */
    public record Contribution(int tokens, int firstToken, double strength, double maxActivation, double meanActivation,
            double reconstructionChange, double mseChange) {}

    /**
     * What one feature contributes.
     *
     * @param feature the feature
     * @return sums and means over the text
     */
    public Contribution contribution(int feature) {
        int n = 0;
        int at = -1;
        double strength = 0;
        double largest = 0;
        double sum = 0;
        double mse = 0;
        for (int position = first; position < tokens.length; position++) {
            double activation = activation(position, feature);
            if (activation != 0) {
                at = n++ == 0 ? position : at;
                strength += strength(position, feature);
                largest = Math.max(largest, activation);
                sum += activation;
                mse += mseChange(position, feature);
            }
        }
        return new Contribution(n, at, strength, largest, sum / Math.max(1, n), strength / Math.max(1, n), mse / Math.max(1, n));
    }

    /**
     * The rise of the squared error at one token when a feature is set to zero there, by its closed form.
     *
     * @param position the token
     * @param feature the feature
     * @return {@code (2 f_j <x - x^, d_j> + f_j^2 |d_j|^2) / d}
     */
    public double mseChange(int position, int feature) {
        double contribution = activation(position, feature) * scale[position];
        return (2 * contribution * Vectors.dot(Vectors.minus(x[position], reconstruction[position]), decoder[feature])
                + contribution * contribution * Vectors.dot(decoder[feature], decoder[feature])) / x[position].length;
    }

    /**
     * The features that are active somewhere, the strongest by the sum of their contributions' norms first.
     *
     * @return feature numbers
     */
    public List<Integer> active() {
        double[] sums = new double[norms.length];
        for (int position = first; position < tokens.length; position++) {
            for (int e = features.start(position); e < features.start(position + 1); e++) {
                sums[features.index(e)] += strength(position, features.index(e));
            }
        }
        return IntStream.range(0, sums.length).filter(j -> sums[j] > 0).boxed().sorted((a, b) -> Double.compare(sums[b], sums[a])).toList();
    }

    /**
     * The vectors that change a feature's activation everywhere where it is active.
     *
     * @param feature the feature
     * @param factor the change, in units of the activation: -1 sets it to zero
     * @return for each position a vector or null
     */
    public float[][] scaled(int feature, double factor) {
        float[][] added = new float[tokens.length][];
        for (int position = first; position < tokens.length; position++) {
            double activation = activation(position, feature);
            if (activation != 0) {
                added[position] = Vectors.scaled(decoder[feature], factor * activation * scale[position]);
            }
        }
        return added;
    }

    /**
     * The derivative of a number along a feature's contributions.
     *
     * @param feature the feature
     * @param gradient the number's gradient by the values at the hook point [pos, d_out]
     * @return the sum over positions of {@code f_j <gradient, d_j>}, with the normalization undone; 0 for a feature that is not active
     */
    public double derivative(int feature, Tensor gradient) {
        double sum = 0;
        for (int position = first; position < tokens.length; position++) {
            double activation = activation(position, feature);
            if (activation != 0) {
                sum += activation * scale[position] * Vectors.dot(gradient.row(position), decoder[feature]);
            }
        }
        return sum;
    }

    /** {@return the model's top prediction after the text} */
    public int target() {
        return clean.getLast().top(1)[0];
    }

    /** {@return the model's second prediction after the text, or the first if the vocabulary has one token} */
    public int second() {
        int[] top = clean.getLast().top(2);
        return top[top.length - 1];
    }

    /** {@return the mean next-token loss within the text, in nats; NaN for a single token} */
    public double loss() {
        double sum = 0;
        for (int position = 0; position + 1 < tokens.length; position++) {
            sum -= clean.get(position).log()[tokens[position + 1]];
        }
        return sum / (tokens.length - 1);
    }
}
