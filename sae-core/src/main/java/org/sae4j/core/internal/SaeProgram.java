package org.sae4j.core.internal;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;
import org.sae4j.api.sae.SaeConfig;

/**
 * A program of a sparse autoencoder.
 *
 * @param program the program
 * @param input what it reads: inputs [rows, d_in], or for decoding feature activations
 * @param output what it makes: feature activations, or reconstructions [rows, d_in]
 */
record SaeProgram(Program program, Buffer input, Buffer output) {
    /** What a program computes. */
    enum Task {
        /** Feature activations of inputs. */
        ENCODE,
        /** Reconstructions of feature activations. */
        DECODE,
        /** Reconstructions of inputs. */
        RECONSTRUCT
    }

    /**
     * What decides a program.
     *
     * @param task what it computes
     * @param rows for how many rows at once
     */
    record Shape(Task task, int rows) {}

    /**
     * Writes a program.
     *
     * @param config what the autoencoder computes
     * @param shape the program's task and size
     * @return the program; its weights have the names of the parameters
     */
    static SaeProgram of(SaeConfig config, Shape shape) {
        Program.Builder builder = Program.builder("autoencoder " + shape.task().name().toLowerCase(Locale.ROOT) + " " + shape.rows());
        Buffer.Role featureRole = switch (shape.task()) {
            case ENCODE -> Buffer.Role.OUTPUT;
            case DECODE -> Buffer.Role.INPUT;
            case RECONSTRUCT -> Buffer.Role.INTERMEDIATE;
        };
        Buffer features = builder.buffer("features", featureRole, Buffer.Type.SPARSE, shape.rows(), config.dSae());
        Buffer bDec = builder.weight("b_dec", 1, config.dIn());
        Buffer input = features;
        if (shape.task() != Task.DECODE) {
            input = builder.input("x", shape.rows(), config.dIn());
            encode(builder, config, input, bDec, features);
        }
        Buffer output = features;
        if (shape.task() != Task.ENCODE) {
            output = builder.output("reconstruction", shape.rows(), config.dIn());
            boolean skip = config.skip() && shape.task() == Task.RECONSTRUCT;
            Buffer decoded = skip ? builder.intermediate("decoded", shape.rows(), config.dIn()) : output;
            builder.add(new Op.Decode(features, builder.weight("W_dec", config.dSae(), config.dIn()), bDec, decoded));
            if (skip) {
                Buffer skipped = builder.intermediate("x W_skip^T", shape.rows(), config.dIn());
                builder.add(new Op.MatMul(input, false, builder.weight("W_skip", config.dIn(), config.dIn()), true, null,
                        Op.Function.IDENTITY, skipped));
                builder.add(new Op.Add(decoded, skipped, 1, output));
            }
        }
        return new SaeProgram(builder.build(), input, output);
    }

    private static void encode(Program.Builder builder, SaeConfig config, Buffer x, Buffer bDec, Buffer features) {
        Buffer centred = x;
        if (config.applyBDecToInput()) {
            centred = builder.intermediate("x - b_dec", x.rows(), config.dIn());
            builder.add(new Op.Add(x, bDec, -1, centred));
        }
        boolean gated = config.architecture() == SaeConfig.Architecture.GATED;
        Buffer bias = builder.weight(gated ? "b_gate" : "b_enc", 1, config.dSae());
        Buffer pre = builder.intermediate("pre", x.rows(), config.dSae());
        builder.add(new Op.MatMul(centred, false, builder.weight("W_enc", config.dIn(), config.dSae()), false, bias,
                Op.Function.IDENTITY, pre));
        builder.add(switch (config.architecture()) {
            case RELU -> new Op.Select(pre, Op.Rule.RELU, 0, null, 0, null, features);
            case TOPK -> new Op.Select(pre, Op.Rule.TOPK, config.k(), null, 0, null, features);
            case JUMP_RELU -> new Op.Select(pre, Op.Rule.JUMP_RELU, 0, builder.weight("threshold", 1, config.dSae()), 0, null, features);
            case GATED -> new Op.GatedSelect(pre, bias, builder.weight("r_mag", 1, config.dSae()),
                    builder.weight("b_mag", 1, config.dSae()), features);
        });
    }

    /** The parameters as the matrices that programs use. */
    static Tensor matrix(Tensor parameter) {
        return parameter.rank() == 1 ? parameter.reshape(1, parameter.dim(0)) : parameter;
    }

    /** The shape of every parameter of an architecture. */
    static Map<String, int[]> shapes(SaeConfig config) {
        int[] features = {config.dSae()};
        Map<String, int[]> shapes = new LinkedHashMap<>();
        shapes.put("W_enc", new int[] {config.dIn(), config.dSae()});
        switch (config.architecture()) {
            case RELU, TOPK -> shapes.put("b_enc", features);
            case JUMP_RELU -> {
                shapes.put("b_enc", features);
                shapes.put("threshold", features);
            }
            case GATED -> {
                shapes.put("b_gate", features);
                shapes.put("b_mag", features);
                shapes.put("r_mag", features);
            }
        }
        shapes.put("W_dec", new int[] {config.dSae(), config.dIn()});
        shapes.put("b_dec", new int[] {config.dIn()});
        if (config.skip()) {
            shapes.put("W_skip", new int[] {config.dIn(), config.dIn()});
        }
        return shapes;
    }
}
