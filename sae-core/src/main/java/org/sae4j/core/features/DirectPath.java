package org.sae4j.core.features;

import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;

/**
 * The linear path from a hook point to the logits that passes no other layer (the logit lens for directions). LayerNorm subtracts the mean
 * over d_model and multiplies by its weight; its division by the deviation is left out, as it depends on the token.
 */
final class DirectPath {
    private final Optional<Tensor> output;
    private final Optional<Tensor> norm;
    private final Optional<Tensor> unembedding;
    private final int vocabulary;
    private final String description;

    private DirectPath(Optional<Tensor> output, Optional<Tensor> norm, Optional<Tensor> unembedding, int vocabulary, String description) {
        this.vocabulary = vocabulary;
        this.output = output;
        this.norm = norm;
        this.unembedding = unembedding;
        this.description = description;
    }

    /** What is added to the residual stream, or is the stream. */
    private static final Set<HookPoint.Site> STREAM = Set.of(HookPoint.Site.EMBED, HookPoint.Site.POS_EMBED, HookPoint.Site.RESID_PRE,
            HookPoint.Site.RESID_MID, HookPoint.Site.RESID_POST, HookPoint.Site.ATTN_OUT, HookPoint.Site.MLP_OUT);

    private static Tensor parameter(Transformer model, String name) {
        return Objects.requireNonNull(model.parameters().get(name), name);
    }

    /** {@return the path from a hook point, or empty if there is none that is linear} */
    static Optional<DirectPath> of(Transformer model, HookPoint hook) {
        Optional<Tensor> norm = Optional.of(parameter(model, "ln_final.w"));
        Optional<Tensor> unembedding = Optional.of(parameter(model, "unembed.W_U"));
        String block = "blocks." + hook.layer() + ".";
        String end = "ln_final.w, W_U";
        int vocabulary = model.config().dVocab();
        HookPoint.Site site = hook.site();
        if (site.equals(HookPoint.Site.MLP_POST)) {
            return Optional.of(new DirectPath(Optional.of(parameter(model, block + "mlp.W_out")), norm, unembedding,
                    vocabulary, "W_dec, " + block + "mlp.W_out, " + end));
        }
        if (site.equals(HookPoint.Site.Z)) {
            return Optional.of(new DirectPath(Optional.of(parameter(model, block + "attn.W_O").reshape(-1, model.config().dModel())), norm,
                    unembedding, vocabulary, "W_dec, " + block + "attn.W_O, " + end));
        }
        if (STREAM.contains(site)) {
            return Optional.of(new DirectPath(Optional.empty(), norm, unembedding, vocabulary, "W_dec, " + end));
        }
        if (site.equals(HookPoint.Site.UNEMBED_IN) || site.equals(HookPoint.Site.LN_FINAL_NORMALIZED)
                && model.parameters().containsKey("ln_final.b")) {
            return Optional.of(new DirectPath(Optional.empty(), Optional.empty(), unembedding, vocabulary, "W_dec, W_U"));
        }
        return site.equals(HookPoint.Site.LOGITS) || site.equals(HookPoint.Site.UNEMBED_OUT)
                ? Optional.of(new DirectPath(Optional.empty(), Optional.empty(), Optional.empty(), vocabulary, "W_dec")) : Optional.empty();
    }

    /** {@return the matrices on the way} */
    String description() {
        return description;
    }

    /** {@return by token the effect of a unit of the direction, less the mean over the vocabulary} */
    double[] effects(float[] direction) {
        double[] x = new double[direction.length];
        Arrays.setAll(x, i -> direction[i]);
        if (output.isPresent()) {
            x = times(x, output.orElseThrow());
        }
        if (norm.isPresent()) {
            centre(x);
            for (int i = 0; i < x.length; i++) {
                x[i] *= norm.orElseThrow().get(i);
            }
        }
        if (unembedding.isPresent()) {
            x = times(x, unembedding.orElseThrow());
        }
        centre(x);
        return x;
    }

    /**
     * {@return the direction at the hook point along which the logit of a token grows, less the mean over the vocabulary: its product with a
     * feature's direction is the feature's effect on the token}
     */
    double[] towards(int token) {
        double[] x;
        if (unembedding.isPresent()) {
            Tensor matrix = unembedding.orElseThrow();
            x = new double[matrix.dim(0)];
            for (int i = 0; i < x.length; i++) {
                float[] row = matrix.row(i);
                double sum = 0;
                for (float value : row) {
                    sum += value;
                }
                x[i] = row[token] - sum / row.length;
            }
        } else {
            x = new double[vocabulary];
            Arrays.fill(x, -1.0 / x.length);
            x[token] += 1;
        }
        if (norm.isPresent()) {
            for (int i = 0; i < x.length; i++) {
                x[i] *= norm.orElseThrow().get(i);
            }
            centre(x);
        }
        if (output.isEmpty()) {
            return x;
        }
        double[] y = new double[output.orElseThrow().dim(0)];
        for (int i = 0; i < y.length; i++) {
            float[] row = output.orElseThrow().row(i);
            for (int j = 0; j < row.length; j++) {
                y[i] += x[j] * row[j];
            }
        }
        return y;
    }

    private static void centre(double[] x) {
        double mean = Arrays.stream(x).sum() / x.length;
        for (int i = 0; i < x.length; i++) {
            x[i] -= mean;
        }
    }

    private static double[] times(double[] x, Tensor matrix) {
        double[] y = new double[matrix.dim(1)];
        if (Arrays.equals(matrix.axes(), new int[] {1, 0})) {
            // A matrix that lies transposed, as a tied unembedding does: its columns are read as they lie, since its rows are scattered.
            Tensor columns = matrix.stored();
            for (int j = 0; j < y.length; j++) {
                float[] column = columns.row(j);
                double sum = 0;
                for (int i = 0; i < x.length; i++) {
                    sum += x[i] * column[i];
                }
                y[j] = sum;
            }
            return y;
        }
        for (int i = 0; i < x.length; i++) {
            if (x[i] != 0) {
                float[] row = matrix.row(i);
                for (int j = 0; j < y.length; j++) {
                    y[j] += x[i] * row[j];
                }
            }
        }
        return y;
    }
}
