package org.sae4j.testkit;

import static org.sae4j.testkit.EngineConformance.scenario;

import java.util.List;
import java.util.stream.Stream;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Op.Function;
import org.sae4j.api.engine.Op.Reduction;
import org.sae4j.api.engine.Op.Rule;
import org.sae4j.testkit.EngineConformance.Case;

/** Chains of operations as the library builds them: training steps of autoencoders, and a transformer. */
final class ChainCases {
    private static final int B = 37;
    private static final int D = 19;
    private static final int N = 71;
    private static final int STEPS = 5;

    private ChainCases() {}

    static Stream<Case> all() {
        return Stream.of(
                scenario("Training with RELU, unit norms and ghost gradients", s -> new Step(s).relu(true)),
                scenario("Training with RELU, decoder norms and clipped gradients", s -> new Step(s).relu(false)),
                scenario("Training with TOPK and auxiliary latents", s -> new Step(s).topK(Rule.TOPK)),
                scenario("Training with BATCH_TOPK and auxiliary latents", s -> new Step(s).topK(Rule.BATCH_TOPK)),
                scenario("Encoding with gates", s -> new Step(s).gated()),
                scenario("Encoding with JUMP_RELU and its window", s -> new Step(s).jumpRelu()),
                scenario("A transformer of two blocks", ChainCases::transformer),
                scenario("A transformer's patched residual stream", ChainCases::patched));
    }

    /** A training step: parameters, moments, and what all kinds share. The rows of both matrices belong to features. */
    private static final class Step {
        private final Scenario s;
        private final Buffer x;
        private final Buffer hyper;
        private final Buffer wEnc;
        private final Buffer wDec;
        private final Buffer bEnc;
        private final Buffer bDec;
        private final Buffer pre;
        private final Buffer centred;

        Step(Scenario s) {
            this.s = s;
            x = s.input("x", B, D);
            hyper = s.input("hyper", 1, 6);
            wEnc = s.adjust(s.parameter("W_enc", N, D), v -> 0.3 * v);
            wDec = s.adjust(s.parameter("W_dec", N, D), v -> 0.3 * v);
            bEnc = s.adjust(s.parameter("b_enc", 1, N), v -> 0.1 * v);
            bDec = s.adjust(s.parameter("b_dec", 1, D), v -> 0.1 * v);
            centred = s.intermediate("centred", B, D);
            pre = s.intermediate("pre", B, N);
            s.op(new Op.Add(x, bDec, -1, centred));
            s.op(new Op.MatMul(centred, false, wEnc, true, bEnc, Function.IDENTITY, pre));
            s.runs(STEPS, (run, scenario) -> {
                scenario.set(x, scenario.normal(B * D));
                scenario.set(hyper, new float[] {1e-3f, 0.9f, 0.999f, 1e-8f, run + 1, 0.01f});
            });
            s.reduction(B + N).loosen(50);
        }

        void relu(boolean unitNorm) {
            Buffer f = s.sparse("f", B, N);
            s.op(new Op.Select(pre, Rule.RELU, 0, null, 0, null, f));
            Buffer xHat = s.output("xHat", B, D);
            s.op(new Op.Decode(f, wDec, bDec, xHat));
            Buffer g = s.intermediate("g", B, D);
            Reduction reduction = unitNorm ? Reduction.MEAN_OVER_NORM : Reduction.SUM;
            s.op(new Op.SquaredError(xHat, x, reduction, 1, g, s.output("loss", 1, 1)));
            s.op(new Op.SparsitySums(f, wDec, s.output("sparsity", 1, 3)));
            Buffer df = s.sparse("df", B, N);
            s.op(new Op.FeatureGradient(f, g, wDec, hyper, 5, !unitNorm, false, df));
            Gradients gradients = new Gradients(f, df, g);
            if (unitNorm) {
                ghosts(f, xHat, gradients);
                s.op(new Op.ProjectRows(gradients.wDec, wDec));
                s.op(new Op.NormalizeRows(wDec));
            } else {
                s.op(new Op.DecoderNormGradient(f, wDec, hyper, 5, gradients.wDec));
                s.op(new Op.ClipNorm(List.of(gradients.wEnc, gradients.wDec, gradients.bEnc, gradients.bDec), 0.5f));
            }
            gradients.adam();
        }

        /** Features that fired in this batch count as alive: with a limit below 1, only the others are ghosts. */
        private void ghosts(Buffer f, Buffer xHat, Gradients gradients) {
            Buffer since = s.zeroParameter("since", 1, N);
            Buffer dead = s.output("dead", 1, N);
            s.op(new Op.TrackFiring(f, since)).op(new Op.Exceeds(since, 0.5f, dead));
            Buffer e = s.sparse("ghosts", B, N);
            s.op(new Op.Select(pre, Rule.EXP, 0, null, 0, dead, e));
            Buffer ghost = s.intermediate("ghost", B, D);
            s.op(new Op.Decode(e, wDec, null, ghost));
            Buffer residual = s.intermediate("residual", B, D);
            s.op(new Op.Add(x, xHat, -1, residual));
            Buffer g = s.intermediate("ghostGradient", B, D);
            s.op(new Op.GhostError(ghost, residual, x, Reduction.MEAN_OVER_NORM, g, s.output("ghostLoss", 1, 1)));
            Buffer de = s.sparse("ghostPre", B, N);
            s.op(new Op.FeatureGradient(e, g, wDec, null, 0, false, true, de));
            s.op(new Op.SparseOuter(e, g, true, gradients.wDec));
            s.op(new Op.SparseOuter(de, centred, true, gradients.wEnc));
            s.op(new Op.SparseColumnSum(de, true, gradients.bEnc));
        }

        void topK(Rule rule) {
            Buffer f = s.sparseOutput("f", B, N);
            s.op(new Op.Select(pre, rule, 7, null, 0, null, f));
            Buffer xHat = s.output("xHat", B, D);
            s.op(new Op.Decode(f, wDec, bDec, xHat));
            Buffer g = s.intermediate("g", B, D);
            s.op(new Op.SquaredError(xHat, x, Reduction.NORMALIZED, 1, g, s.output("loss", 1, 1)));
            Buffer df = s.sparse("df", B, N);
            s.op(new Op.FeatureGradient(f, g, wDec, null, 0, false, false, df));
            Gradients gradients = new Gradients(f, df, g);
            Buffer since = s.zeroParameter("since", 1, N);
            Buffer dead = s.intermediate("dead", 1, N);
            s.op(new Op.TrackFiring(f, since)).op(new Op.Exceeds(since, 0.5f, dead));
            Buffer aux = s.sparse("aux", B, N);
            s.op(new Op.Select(pre, Rule.TOPK, 9, null, 0, dead, aux));
            Buffer residual = s.intermediate("residual", B, D);
            s.op(new Op.Add(x, xHat, -1, residual));
            Buffer residualHat = s.intermediate("residualHat", B, D);
            s.op(new Op.Decode(aux, wDec, null, residualHat));
            Buffer auxG = s.intermediate("auxG", B, D);
            s.op(new Op.SquaredError(residualHat, residual, Reduction.NORMALIZED, 0.03125f, auxG, s.output("auxLoss", 1, 1)));
            Buffer da = s.sparse("da", B, N);
            s.op(new Op.FeatureGradient(aux, auxG, wDec, null, 0, false, false, da));
            s.op(new Op.SparseOuter(aux, auxG, true, gradients.wDec));
            s.op(new Op.SparseOuter(da, centred, true, gradients.wEnc));
            s.op(new Op.SparseColumnSum(da, true, gradients.bEnc));
            s.op(new Op.ProjectRows(gradients.wDec, wDec));
            gradients.adam();
            s.op(new Op.NormalizeRows(wDec));
        }

        void gated() {
            Buffer f = s.sparse("f", B, N);
            s.op(new Op.GatedSelect(pre, bEnc, s.parameter("r_mag", 1, N), s.parameter("b_mag", 1, N), f));
            s.op(new Op.Decode(f, wDec, bDec, s.output("xHat", B, D)));
            Buffer gate = s.sparse("gate", B, N);
            s.op(new Op.Select(pre, Rule.RELU, 0, null, 0, null, gate));
            s.op(new Op.Decode(gate, wDec, bDec, s.output("gateHat", B, D)));
        }

        void jumpRelu() {
            Buffer threshold = s.adjust(s.parameter("threshold", 1, N), Math::abs);
            Buffer f = s.sparse("f", B, N);
            s.op(new Op.Select(pre, Rule.JUMP_RELU, 0, threshold, 0, null, f));
            Buffer xHat = s.output("xHat", B, D);
            s.op(new Op.Decode(f, wDec, bDec, xHat));
            Buffer g = s.intermediate("g", B, D);
            s.op(new Op.SquaredError(xHat, x, Reduction.SUM, 1, g, s.output("loss", 1, 1)));
            Buffer window = s.sparse("window", B, N);
            s.op(new Op.Select(pre, Rule.WINDOW, 0, threshold, 0.2f, null, window));
            Buffer dTheta = s.sparse("dTheta", B, N);
            s.op(new Op.FeatureGradient(window, g, wDec, hyper, 5, false, false, dTheta));
            s.op(new Op.SparseColumnSum(dTheta, false, s.output("thresholdGradient", 1, N)));
        }

        /** The gradients of the four parameters, and Adam's steps. */
        private final class Gradients {
            private final Buffer wEnc = s.intermediate("dW_enc", N, D);
            private final Buffer wDec = s.intermediate("dW_dec", N, D);
            private final Buffer bEnc = s.intermediate("db_enc", 1, N);
            private final Buffer bDec = s.intermediate("db_dec", 1, D);

            Gradients(Buffer f, Buffer df, Buffer g) {
                s.op(new Op.SparseOuter(f, g, false, wDec));
                s.op(new Op.SparseOuter(df, centred, false, wEnc));
                s.op(new Op.SparseColumnSum(df, false, bEnc));
                Buffer direct = s.intermediate("db_dec_direct", 1, D);
                s.op(new Op.ColumnSum(g, direct));
                Buffer throughEncoder = s.intermediate("db_dec_encoder", 1, D);
                s.op(new Op.MatMul(bEnc, false, Step.this.wEnc, false, null, Function.IDENTITY, throughEncoder));
                s.op(new Op.Add(direct, throughEncoder, -1, bDec));
            }

            void adam() {
                adam(Step.this.wEnc, wEnc);
                adam(Step.this.wDec, wDec);
                adam(Step.this.bEnc, bEnc);
                adam(Step.this.bDec, bDec);
            }

            private void adam(Buffer parameter, Buffer gradient) {
                Buffer m = s.zeroParameter("m_" + parameter.name(), parameter.rows(), parameter.cols());
                Buffer v = s.zeroParameter("v_" + parameter.name(), parameter.rows(), parameter.cols());
                s.op(new Op.Adam(parameter, gradient, m, v, hyper));
            }
        }
    }

    private static void transformer(Scenario s) {
        Buffer x = embed(s, 2, 7);
        x = block(s, x, 0, 2, Function.GELU_TANH, false);
        x = block(s, x, 1, 2, Function.GELU, true);
        logits(s, x);
    }

    private static void patched(Scenario s) {
        Buffer x = embed(s, 2, 7);
        x = block(s, x, 0, 2, Function.RELU, false);
        s.op(new Op.Patch(x, s.indices("rows", 3, -1, 13), s.input("values", 3, D - 1), false));
        x = block(s, x, 1, 2, Function.GELU_TANH, false);
        logits(s, x);
    }

    private static Buffer embed(Scenario s, int batch, int t) {
        int d = D - 1;
        Buffer tokens = s.indices("tokens", s.integers(batch * t, 23));
        Buffer positions = s.indices("positions", s.integers(batch * t, t));
        Buffer embedded = s.intermediate("embedded", batch * t, d);
        Buffer position = s.intermediate("position", batch * t, d);
        s.op(new Op.Gather(tokens, s.weight("W_E", 23, d), embedded));
        s.op(new Op.Gather(positions, s.weight("W_pos", t, d), position));
        Buffer x = s.output("resid_pre", batch * t, d);
        s.op(new Op.Add(embedded, position, 1, x));
        return x;
    }

    private static Buffer block(Scenario s, Buffer x, int layer, int batch, Function function, boolean pattern) {
        int rows = x.rows();
        int d = x.cols();
        int heads = 3;
        int hidden = 41;
        String id = "." + layer;
        Buffer normal1 = norm(s, x, "ln1" + id);
        Buffer[] qkv = Stream.of("q", "k", "v").map(n -> linear(s, normal1, n + id, d, Function.IDENTITY)).toArray(Buffer[]::new);
        Buffer z = s.output("z" + id, rows, d);
        if (pattern) {
            Buffer scores = s.intermediate("scores" + id, heads * rows, rows / batch);
            Buffer probabilities = s.output("pattern" + id, heads * rows, rows / batch);
            s.op(new Op.AttentionScores(qkv[0], qkv[1], batch, Op.Heads.of(heads, d / heads), scores));
            s.op(new Op.Softmax(scores, probabilities));
            s.op(new Op.AttentionMix(probabilities, qkv[2], batch, Op.Heads.of(heads, d / heads), z));
        } else {
            s.op(new Op.Attention(qkv[0], qkv[1], qkv[2], batch, Op.Heads.of(heads, d / heads), z));
        }
        Buffer middle = s.intermediate("resid_mid" + id, rows, d);
        s.op(new Op.Add(x, linear(s, z, "attn_out" + id, d, Function.IDENTITY), 1, middle));
        Buffer normal2 = norm(s, middle, "ln2" + id);
        Buffer post = linear(s, normal2, "mlp_post" + id, hidden, function);
        Buffer out = s.intermediate("resid_post" + id, rows, d);
        s.op(new Op.Add(middle, linear(s, post, "mlp_out" + id, d, Function.IDENTITY), 1, out));
        return out;
    }

    private static Buffer norm(Scenario s, Buffer x, String id) {
        Buffer out = s.intermediate(id, x.rows(), x.cols());
        s.op(new Op.LayerNorm(x, s.weight("w." + id, 1, x.cols()), s.weight("b." + id, 1, x.cols()), 1e-5f, out, null));
        return out;
    }

    private static Buffer linear(Scenario s, Buffer x, String id, int n, Function function) {
        Buffer out = s.intermediate(id, x.rows(), n);
        s.op(new Op.MatMul(x, false, s.weight("W." + id, x.cols(), n), false, s.weight("b." + id, 1, n), function, out));
        return out;
    }

    private static void logits(Scenario s, Buffer x) {
        Buffer out = s.output("logits", x.rows(), 23);
        s.op(new Op.MatMul(norm(s, x, "ln_final"), false, s.weight("W_U", x.cols(), 23), false, null, Function.IDENTITY, out));
        s.reduction(41).loosen(200);
    }
}
