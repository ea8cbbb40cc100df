package org.sae4j.api.engine;

import java.util.Locale;

/** Puts definitions in the place of operations that an engine does not run. */
final class Lowering {
    /** More levels than this are a definition that leads back to itself. */
    private static final int MAX_DEPTH = 16;

    private final Program program;
    private final Engine engine;
    private final Program.Builder builder;
    private int made;

    Lowering(Program program, Engine engine) {
        this.program = program;
        this.engine = engine;
        builder = Program.Builder.like(program);
    }

    Program lowered() {
        program.ops().forEach(op -> add(op, 0));
        return builder.build();
    }

    private void add(Op op, int depth) {
        if (engine.runs(op)) {
            builder.add(op);
            return;
        }
        if (depth == MAX_DEPTH) {
            throw new IllegalStateException("the definition of " + name(op) + " leads back to itself");
        }
        int before = builder.size();
        define(op, "definition " + made++ + ": ");
        for (Op simpler : builder.cutAfter(before)) {
            add(simpler, depth + 1);
        }
    }

    private void define(Op op, String prefix) {
        switch (op) {
            case Op.Attention o when o.past() == 0 -> {
                int rows = Math.multiplyExact(o.q().rows(), o.heads().count());
                int length = o.q().rows() / o.batch();
                Buffer scores = builder.intermediate(prefix + "scores", rows, length);
                Buffer pattern = builder.intermediate(prefix + "pattern", rows, length);
                builder.add(new Op.AttentionScores(o.q(), o.k(), o.batch(), o.heads(), scores));
                builder.add(new Op.Softmax(scores, pattern));
                builder.add(new Op.AttentionMix(pattern, o.v(), o.batch(), o.heads(), o.out()));
            }
            case Op.AttentionGradient o when o.past() == 0 -> attentionGradient(o, prefix);
            case Op.MatMul o when o.function() != Op.Function.IDENTITY -> {
                Buffer product = builder.intermediate(prefix + "product", o.out().rows(), o.out().cols());
                builder.add(new Op.MatMul(o.a(), o.transposeA(), o.b(), o.transposeB(), o.bias(), Op.Function.IDENTITY, product));
                builder.add(new Op.Map(product, o.function(), o.out()));
            }
            case Op.RmsNorm o when o.weight() != null && o.groups() == 1 -> {
                Buffer normalized = builder.intermediate(prefix + "normalized", o.x().rows(), o.x().cols());
                builder.add(new Op.RmsNorm(o.x(), null, 1, o.eps(), normalized, o.scale()));
                builder.add(new Op.Multiply(normalized, o.weight(), o.out()));
            }
            case Op.Extension o -> o.define(builder, prefix);
            default -> throw new EngineException("engine " + engine.id() + " does not run the operation " + name(op) + ", which has no"
                    + " definition in simpler ones", "program " + program.name(), "use another engine, such as --engine cpu");
        }
    }

    private void attentionGradient(Op.AttentionGradient o, String prefix) {
        int rows = Math.multiplyExact(o.q().rows(), o.heads().count());
        int length = o.q().rows() / o.batch();
        Buffer scores = builder.intermediate(prefix + "scores", rows, length);
        Buffer pattern = builder.intermediate(prefix + "pattern", rows, length);
        builder.add(new Op.AttentionScores(o.q(), o.k(), o.batch(), o.heads(), scores));
        builder.add(new Op.Softmax(scores, pattern));
        if (o.valueGradient() != null) {
            builder.add(new Op.AttentionMixTransposed(pattern, o.g(), o.batch(), o.heads(), o.valueGradient()));
        }
        if (o.queryGradient() == null && o.keyGradient() == null) {
            return;
        }
        Buffer gradient = builder.intermediate(prefix + "gradient", rows, length);
        builder.add(new Op.AttentionMixGradient(o.g(), o.v(), o.batch(), o.heads(), gradient));
        builder.add(new Op.SoftmaxGradient(pattern, gradient, gradient));
        builder.add(new Op.AttentionScoresGradient(o.heads().cap() > 0 ? scores : null, gradient, o.batch(), o.heads(), gradient));
        if (o.queryGradient() != null) {
            builder.add(new Op.AttentionMix(gradient, o.k(), o.batch(), o.heads(), o.queryGradient()));
        }
        if (o.keyGradient() != null) {
            builder.add(new Op.AttentionMixTransposed(gradient, o.q(), o.batch(), o.heads(), o.keyGradient()));
        }
    }

    private static String name(Op op) {
        return op instanceof Op.Extension extension ? extension.name() : op instanceof Op.Map map
                ? "Map of " + map.function().name().toLowerCase(Locale.ROOT) : op.getClass().getSimpleName();
    }
}
