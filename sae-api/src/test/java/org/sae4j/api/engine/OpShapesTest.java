package org.sae4j.api.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.sae4j.api.engine.Buffer.Role;
import org.sae4j.api.engine.Buffer.Type;
import org.sae4j.api.engine.Op.Function;
import org.sae4j.api.engine.Op.Reduction;
import org.sae4j.api.engine.Op.Rule;

class OpShapesTest {
    private static final int B = 6;
    private static final int D = 4;
    private static final int N = 5;
    private static final Op.Heads HEADS = Op.Heads.of(2, 2);

    private final Program.Builder program = Program.builder("p");
    private final Buffer x = program.input("x", B, D);
    private final Buffer y = program.intermediate("y", B, D);
    private final Buffer z = program.intermediate("z", B, D);
    private final Buffer u = program.intermediate("u", B, D);
    private final Buffer wEnc = program.parameter("wEnc", D, N);
    private final Buffer wDec = program.parameter("wDec", N, D);
    private final Buffer pre = program.intermediate("pre", B, N);
    private final Buffer s = program.sparse("s", B, N);
    private final Buffer s2 = program.sparse("s2", B, N);
    private final Buffer rowN = program.parameter("rowN", 1, N);
    private final Buffer rowD = program.parameter("rowD", 1, D);
    private final Buffer gradient = program.intermediate("gradient", N, D);
    private final Buffer rowD2 = program.intermediate("rowD2", 1, D);
    private final Buffer loss = program.output("loss", 1, 1);
    private final Buffer hyper = program.input("hyper", 1, 6);
    private final Buffer rows = program.intInput("rows", B);
    private final Buffer scores = program.intermediate("scores", 2 * B, 3);
    private final Buffer probabilities = program.intermediate("probabilities", 2 * B, 3);
    private final Buffer mask = program.intermediate("mask", 1, N);
    private final Buffer three = program.output("three", 1, 3);

    @Test
    void operationsThatFitAreTaken() {
        List<Op> ops = List.of(
                new Op.Gather(rows, wDec, y),
                new Op.Add(x, y, -1, y),
                new Op.Add(x, rowD, -1, y),
                new Op.LayerNorm(x, rowD, rowD, 1e-5f, y, null),
                new Op.LayerNorm(x, null, null, 1e-5f, y, null),
                new Op.RmsNorm(x, rowD, 1, 1e-5f, y, null),
                new Op.RmsNorm(x, null, 2, 1e-5f, y, null),
                new Op.Multiply(x, y, y),
                new Op.Multiply(x, rowD, y),
                new Op.Scale(y, 2, y),
                new Op.MatMul(x, false, wEnc, false, rowN, Function.GELU, pre),
                new Op.MatMul(x, false, wDec, true, null, Function.IDENTITY, pre),
                new Op.MatMul(pre, true, x, false, null, Function.IDENTITY, gradient),
                new Op.Map(y, Function.RELU, y),
                new Op.Attention(x, x, x, 2, HEADS, y),
                new Op.AttentionScores(x, y, 2, HEADS, scores),
                new Op.Softmax(scores, probabilities),
                new Op.AttentionMix(scores, x, 2, HEADS, y),
                new Op.Patch(y, rows, x, true),
                new Op.Select(pre, Rule.TOPK, N, null, 0, rowN, s),
                new Op.Select(pre, Rule.JUMP_RELU, 0, rowN, 0, null, s),
                new Op.GatedSelect(pre, rowN, rowN, rowN, s),
                new Op.Decode(s, wDec, rowD, y),
                new Op.SquaredError(y, x, Reduction.SUM, 1, z, loss),
                new Op.GhostError(y, z, x, Reduction.MEAN, u, loss),
                new Op.FeatureGradient(s, z, wDec, hyper, 5, true, false, s2),
                new Op.SparseOuter(s, z, true, gradient),
                new Op.SparseColumnSum(s, false, rowN),
                new Op.ScaleColumns(s, rowN, s2),
                new Op.Exp(rowN, rowN),
                new Op.ColumnSum(x, rowD),
                new Op.SparsitySums(s, wDec, three),
                new Op.DecoderNormGradient(s, wDec, hyper, 0, gradient),
                new Op.TrackFiring(s, rowN),
                new Op.Exceeds(rowN, 3, mask),
                new Op.ProjectRows(gradient, wDec),
                new Op.NormalizeRows(wDec),
                new Op.ClipNorm(List.of(gradient, rowN), 1),
                new Op.LogSoftmax(x, y),
                new Op.GatherGradient(rows, x, gradient),
                new Op.PatchGradient(rows, z, y),
                new Op.MapGradient(x, Function.GELU, y, y),
                new Op.LayerNormGradient(x, rowD, 1e-5f, y, true, z, null),
                new Op.LayerNormGradient(x, null, 1e-5f, y, false, z, rowD),
                new Op.RmsNormGradient(x, rowD, 1, 1e-5f, y, true, z, rowD2),
                new Op.RmsNormGradient(x, null, 2, 1e-5f, y, false, z, null),
                new Op.SoftmaxGradient(x, y, y),
                new Op.LogSoftmaxGradient(x, y, y),
                new Op.AttentionGradient(x, x, x, 0, null, null, null, 2, HEADS, y, z, null, u),
                new Op.AttentionScoresGradient(null, scores, 2, HEADS, scores),
                new Op.AttentionMixGradient(x, y, 2, HEADS, scores),
                new Op.AttentionMixTransposed(scores, x, 2, HEADS, y),
                new Op.Adam(wDec, gradient, gradient, gradient, hyper));
        assertThatCode(() -> ops.forEach(program::add)).doesNotThrowAnyException();
        assertThat(program.build().ops()).isEqualTo(ops);
    }

    @Test
    void shapesThatDoNotFitAreRefused() {
        refused(new Op.MatMul(x, false, wDec, false, null, Function.IDENTITY, pre), "MatMul");
        refused(new Op.MatMul(x, false, wEnc, false, rowD, Function.IDENTITY, pre), "expected F32[1, 5], found rowD F32[1, 4]");
        refused(new Op.Gather(rows, wEnc, y), "Gather");
        refused(new Op.Add(x, pre, 1, y), "Add");
        refused(new Op.LayerNorm(x, rowN, rowD, 0, y, null), "LayerNorm");
        refused(new Op.RmsNorm(x, null, 3, 0, y, null), "does not divide into 3 groups");
        refused(new Op.RmsNorm(x, rowD, 2, 0, y, null), "RmsNorm");
        refused(new Op.Multiply(x, rowN, y), "Multiply");
        refused(new Op.Rotary(x, pre, pre, 2, y), "angles");
        refused(new Op.Attention(x, x, x, 4, HEADS, y), "does not divide into 4 sequences and 2 heads");
        refused(new Op.Attention(x, x, x, 2, new Op.Heads(3, 1, 1, 0, 0), y), "3 heads");
        refused(new Op.Attention(x, x, x, 0, HEADS, y), "0 sequences");
        refused(new Op.AttentionScores(x, x, 5, HEADS, scores), "AttentionScores");
        refused(new Op.LogSoftmax(y, y), "both read and written");
        refused(new Op.GatherGradient(rows, x, pre), "GatherGradient");
        refused(new Op.MapGradient(y, Function.GELU, x, y), "both read and written");
        refused(new Op.LayerNormGradient(x, rowD, 1e-5f, y, true, y, null), "both read and written");
        refused(new Op.LayerNormGradient(x, rowD, 1e-5f, y, true, z, rowD), "both read and written");
        refused(new Op.RmsNormGradient(x, null, 3, 1e-5f, y, true, z, null), "does not divide into 3 groups");
        refused(new Op.AttentionGradient(x, x, x, 0, null, null, null, 2, HEADS, y, null, null, null), "no gradient is wanted");
        refused(new Op.AttentionGradient(x, x, x, 0, null, null, null, 2, HEADS, y, z, z, null), "both read and written");
        refused(new Op.AttentionGradient(x, x, x, 0, null, null, null, 2, HEADS, y, y, null, null), "both read and written");
        refused(new Op.AttentionScoresGradient(null, scores, 1, HEADS, probabilities), "does not divide into 1 sequences");
        refused(new Op.AttentionScoresGradient(null, scores, 2, new Op.Heads(2, 2, 1, 3, 0), probabilities), "need the scores");
        refused(new Op.AttentionMixTransposed(scores, x, 3, HEADS, y), "AttentionMixTransposed");
        refused(new Op.Decode(s, wEnc, null, y), "Decode");
        refused(new Op.SquaredError(y, pre, Reduction.SUM, 1, z, loss), "SquaredError");
        refused(new Op.SparsitySums(s, wDec, loss), "SparsitySums");
        refused(new Op.Adam(wDec, gradient, gradient, rowN, hyper), "Adam");
        refused(new Op.FeatureGradient(s, z, wDec, hyper, 6, true, false, s2), "no column 6");
        refused(new Op.FeatureGradient(s, z, wDec, hyper, -1, true, false, s2), "no column -1");
    }

    @Test
    void typesThatDoNotFitAreRefused() {
        refused(new Op.Gather(rowN, wDec, y), "expected I32");
        refused(new Op.Decode(pre, wDec, null, y), "expected SPARSE");
        refused(new Op.Select(pre, Rule.RELU, 0, null, 0, null, pre), "expected SPARSE");
        refused(new Op.ColumnSum(s, rowN), "expected F32");
    }

    @Test
    void weightsAndInputsAreNotWritten() {
        Buffer weight = program.weight("weight", N, D);
        refused(new Op.NormalizeRows(weight), "is written, but is a WEIGHT");
        refused(new Op.Map(y, Function.RELU, x), "is written, but is a INPUT");
        refused(new Op.ClipNorm(List.of(gradient, weight), 1), "is written");
    }

    @Test
    void operationsThatAreNotInPlaceAreRefusedInPlace() {
        Buffer square = program.intermediate("square", D, D);
        refused(new Op.MatMul(square, false, square, false, null, Function.IDENTITY, square), "both read and written");
        refused(new Op.Attention(y, x, x, 2, HEADS, y), "both read and written");
        refused(new Op.FeatureGradient(s, z, wDec, null, 0, true, false, s), "both read and written");
        refused(new Op.LayerNorm(y, rowD, rowD, 1e-5f, y, null), "both read and written");
        refused(new Op.Softmax(y, y), "both read and written");
        refused(new Op.SquaredError(y, x, Reduction.SUM, 1, y, loss), "both read and written");
        refused(new Op.GhostError(y, z, x, Reduction.MEAN, z, loss), "both read and written");
        refused(new Op.ColumnSum(rowD, rowD), "both read and written");
        refused(new Op.Exceeds(y, 0, y), "both read and written");
    }

    @Test
    void buffersBelongToTheirProgram() {
        Buffer foreign = new Buffer("x", Role.INPUT, Type.F32, B, D);
        refused(new Op.Map(foreign, Function.RELU, y), "is not a buffer of this program");
        assertThatThrownBy(() -> program.input("x", 1, 1)).isInstanceOf(IllegalArgumentException.class).hasMessageContaining("already has");
        assertThatThrownBy(() -> program.input("negative", -1, 1)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("negative shape");
        assertThatThrownBy(() -> program.build().buffer("nowhere")).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("nowhere").hasMessageContaining("wDec");
    }

    @Test
    void settingsOfRulesAreChecked() {
        refused(new Op.Select(pre, Rule.TOPK, 0, null, 0, null, s), "k is from 1");
        refused(new Op.Select(pre, Rule.BATCH_TOPK, N + 1, null, 0, null, s), "found 6");
        refused(new Op.Select(pre, Rule.RELU, 3, null, 0, null, s), "0 otherwise");
        refused(new Op.Select(pre, Rule.JUMP_RELU, 0, null, 0, null, s), "threshold");
        refused(new Op.Select(pre, Rule.RELU, 0, rowN, 0, null, s), "threshold");
        refused(new Op.GhostError(y, z, x, Reduction.SUM, z, loss), "found SUM");
    }

    private void refused(Op op, String message) {
        assertThatThrownBy(() -> program.add(op)).isInstanceOf(IllegalArgumentException.class).hasMessageStartingWith("program p, ")
                .hasMessageContaining(message);
    }
}
