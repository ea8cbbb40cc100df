package org.sae4j.testkit;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineException;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Op.Function;
import org.sae4j.api.engine.Program;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.testkit.EngineConformance.Case;

/** What engines and compiled programs promise besides the operations: roles, copies, errors, lifetimes. */
final class ContractCases {
    private ContractCases() {}

    static Stream<Case> all() {
        return Stream.of(
                new Case("Inputs and parameters are zero at first", ContractCases::startsAtZero),
                new Case("Inputs keep their values until they are written again", ContractCases::inputsStay),
                new Case("What is written and read is copied", ContractCases::copies),
                new Case("The values of sparse rows are read as their entries are", ContractCases::sparseValues),
                new Case("Parameters can be read and written between runs", ContractCases::parameters),
                new Case("Programs of one engine do not share parameters", ContractCases::independent),
                new Case("A program without operations, and one of empty shapes", ContractCases::empty),
                new Case("Runs from the same state give the same bits", ContractCases::repeatable),
                new Case("Several programs run at once", ContractCases::concurrent),
                new Case("Missing and misshapen weights are refused, more are ignored", ContractCases::weights),
                new Case("Wrong buffers, types, roles and sizes are refused", ContractCases::refusals),
                new Case("Indices out of range are refused, and the program stays usable", ContractCases::indices),
                new Case("An interrupt ends a run or does not, and changes no other", ContractCases::interrupts),
                new Case("A program that cannot fit is refused with sizes", ContractCases::memory),
                new Case("A closed program refuses all but closing", ContractCases::closed));
    }

    /** A small program with a buffer of every role: sum += x W + b, out = sum. */
    static final class Sample implements AutoCloseable {
        private final Program.Builder builder = Program.builder("sample");
        private final Buffer w = builder.weight("W", 3, 2);
        private final Buffer b = builder.weight("b", 1, 2);
        private final Buffer x = builder.input("x", 5, 3);
        private final Buffer product = builder.intermediate("product", 5, 2);
        private final Buffer sum = builder.parameter("sum", 5, 2);
        final Buffer out = builder.output("out", 5, 2);
        private final Program program = builder.add(new Op.MatMul(x, false, w, false, b, Function.IDENTITY, product))
                .add(new Op.Add(sum, product, 1, sum)).add(new Op.Map(sum, Function.IDENTITY, out)).build();
        final CompiledProgram compiled;

        Sample(Engine engine) {
            compiled = engine.compile(program, WEIGHTS);
        }

        void expect(float first) {
            compiled.run();
            equal("out of " + program.name(), first, compiled.read(out).get(0));
            equal("sum of " + program.name(), first, compiled.read(sum).get(0));
        }

        @Override
        public void close() {
            compiled.close();
        }
    }

    private static final Map<String, Tensor> WEIGHTS = Map.of("W", Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 3, 2),
            "b", Tensor.of(new float[] {10, 20}, 2), "more", Tensor.of(new float[1], 1));

    private static void startsAtZero(Engine engine) {
        try (Sample sample = new Sample(engine)) {
            equal("a parameter before the first run", 0f, sample.compiled.read(sample.sum).get(9));
            sample.expect(10);
            equal("program()", sample.program, sample.compiled.program());
        }
    }

    private static void inputsStay(Engine engine) {
        try (Sample sample = new Sample(engine)) {
            sample.compiled.write(sample.x, ones(15));
            sample.expect(19);
            sample.expect(38);
            sample.compiled.write(sample.x, new float[15]);
            sample.expect(48);
        }
    }

    private static void copies(Engine engine) {
        try (Sample sample = new Sample(engine)) {
            float[] x = ones(15);
            sample.compiled.write(sample.x, x);
            Arrays.fill(x, 7);
            sample.expect(19);
            Tensor read = sample.compiled.read(sample.out);
            sample.expect(38);
            equal("a tensor read before the run", 19f, read.get(0));
            float[] target = new float[10];
            sample.compiled.read(sample.out, target);
            equal("an output read into an array", sample.compiled.read(sample.out).toArray(), target);
            sample.expect(57);
            equal("an array read before the run", 38f, target[0]);
        }
        Program.Builder builder = Program.builder("rows");
        Buffer rows = builder.intInput("rows", 2);
        Buffer gathered = builder.output("gathered", 2, 1);
        builder.add(new Op.Gather(rows, builder.weight("table", 4, 1), gathered));
        Tensor table = Tensor.of(new float[] {1, 2, 3, 4}, 4, 1);
        try (CompiledProgram compiled = engine.compile(builder.build(), Map.of("table", table))) {
            int[] indices = {1, 3};
            compiled.write(rows, indices);
            Arrays.fill(indices, 0);
            compiled.run();
            equal("rows gathered by indices whose array was changed after it was written", new float[] {2, 4},
                    compiled.read(gathered).toArray());
        }
    }

    private static void sparseValues(Engine engine) {
        Program.Builder builder = Program.builder("values");
        Buffer x = builder.input("x", 3, 4);
        Buffer s = builder.buffer("s", Buffer.Role.OUTPUT, Buffer.Type.SPARSE, 3, 4);
        builder.add(new Op.Select(x, Op.Rule.RELU, 0, null, 0, null, s));
        try (CompiledProgram compiled = engine.compile(builder.build(), Map.of())) {
            compiled.write(x, new float[] {0, 3, -1, 2, -1, -1, 0, 0, 5, 0, 0, 4});
            compiled.run();
            float[] target = {9, 9, 9, 9, 9, 9};
            equal("the number of entries", 4, compiled.readValues(s, target));
            equal("values of entries", new float[] {3, 2, 5, 4}, Arrays.copyOf(target, 4));
            refused("reading values into too short an array", IllegalArgumentException.class,
                    () -> compiled.readValues(s, new float[3]));
        }
    }

    private static void parameters(Engine engine) {
        try (Sample sample = new Sample(engine)) {
            sample.expect(10);
            float[] values = new float[10];
            values[0] = -3;
            sample.compiled.write(sample.sum, values);
            equal("a parameter just written", -3f, sample.compiled.read(sample.sum).get(0));
            sample.expect(7);
            sample.compiled.write(sample.sum, values);
            sample.compiled.write(sample.sum, ones(10));
            sample.expect(11);
            sample.expect(21);
        }
    }

    private static void independent(Engine engine) {
        try (Sample one = new Sample(engine); Sample two = new Sample(engine)) {
            one.compiled.write(one.x, ones(15));
            one.expect(19);
            two.expect(10);
            one.expect(38);
            one.compiled.close();
            two.expect(20);
        }
    }

    private static void empty(Engine engine) {
        Program.Builder nothing = Program.builder("nothing");
        Buffer kept = nothing.parameter("kept", 2, 2);
        try (CompiledProgram compiled = engine.compile(nothing.build(), Map.of())) {
            compiled.write(kept, ones(4));
            compiled.run();
            equal("a parameter of a program without operations", 1f, compiled.read(kept).get(3));
        }
        Program.Builder builder = Program.builder("empty");
        Buffer x = builder.input("x", 0, 3);
        Buffer product = builder.intermediate("product", 0, 2);
        Buffer s = builder.buffer("s", Buffer.Role.OUTPUT, Buffer.Type.SPARSE, 0, 2);
        Buffer decoded = builder.output("decoded", 0, 3);
        Buffer gradient = builder.output("gradient", 2, 3);
        builder.add(new Op.MatMul(x, false, builder.weight("W", 3, 2), false, null, Function.RELU, product));
        builder.add(new Op.Select(product, Op.Rule.RELU, 0, null, 0, null, s));
        builder.add(new Op.Decode(s, builder.weight("W_dec", 2, 3), null, decoded)).add(new Op.SparseOuter(s, decoded, false, gradient));
        try (CompiledProgram compiled = engine.compile(builder.build(), Map.of("W", Tensor.zeros(3, 2), "W_dec", Tensor.zeros(2, 3)))) {
            compiled.write(x, new float[0]);
            compiled.run();
            equal("elements of an empty output", 0L, compiled.read(decoded).size());
            equal("entries of an empty output", 0, compiled.readSparse(s).entries());
            equal("entries read into an array of an empty output", 0, compiled.readValues(s, new float[0]));
            equal("a sum over no rows", 0f, compiled.read(gradient).get(5));
        }
    }

    /** A chain with long sums, over random data. */
    private static float[] chain(Engine engine) {
        Scenario data = new Scenario("chain");
        Program.Builder builder = Program.builder("chain");
        Buffer x = builder.input("x", 33, 65);
        Buffer w = builder.weight("W", 65, 129);
        Buffer pre = builder.intermediate("pre", 33, 129);
        Buffer s = builder.sparse("s", 33, 129);
        Buffer gradient = builder.output("gradient", 129, 65);
        builder.add(new Op.MatMul(x, false, w, false, null, Function.IDENTITY, pre));
        builder.add(new Op.Select(pre, Op.Rule.TOPK, 20, null, 0, null, s));
        builder.add(new Op.SparseOuter(s, x, false, gradient)).add(new Op.ClipNorm(List.of(gradient), 1));
        try (CompiledProgram compiled = engine.compile(builder.build(), Map.of("W", Tensor.of(data.normal(65 * 129), 65, 129)))) {
            compiled.write(x, data.normal(33 * 65));
            compiled.run();
            float[] first = compiled.read(gradient).toArray();
            compiled.run();
            equal("a second run", first, compiled.read(gradient).toArray());
            return first;
        }
    }

    private static void repeatable(Engine engine) {
        equal("the same program, compiled again", chain(engine), chain(engine));
    }

    private static void concurrent(Engine engine) {
        float[] alone = chain(engine);
        try (ExecutorService threads = Executors.newFixedThreadPool(3)) {
            List<CompletableFuture<float[]>> results = IntStream.range(0, 3)
                    .mapToObj(i -> CompletableFuture.supplyAsync(() -> chain(engine), threads)).toList();
            results.forEach(result -> equal("a program that ran beside others", alone, result.join()));
        }
    }

    private static void weights(Engine engine) {
        try (Sample sample = new Sample(engine)) {
            Program program = sample.program;
            refused("a missing weight", IllegalArgumentException.class, () -> engine.compile(program, Map.of("W", Tensor.zeros(3, 2))));
            refused("a weight of another size", IllegalArgumentException.class,
                    () -> engine.compile(program, Map.of("W", Tensor.zeros(3, 3), "b", Tensor.zeros(2))));
            sample.expect(10);
        }
    }

    private static void refusals(Engine engine) {
        Class<IllegalArgumentException> refusal = IllegalArgumentException.class;
        try (Sample sample = new Sample(engine); Sample other = new Sample(engine)) {
            CompiledProgram compiled = sample.compiled;
            refused("too few elements", refusal, () -> compiled.write(sample.x, new float[14]));
            refused("too many elements", refusal, () -> compiled.write(sample.x, new float[16]));
            refused("writing a weight", refusal, () -> compiled.write(sample.w, new float[6]));
            refused("writing an intermediate", refusal, () -> compiled.write(sample.product, new float[10]));
            refused("writing an output", refusal, () -> compiled.write(sample.out, new float[10]));
            refused("writing integers to F32", refusal, () -> compiled.write(sample.x, new int[15]));
            refused("writing sparse rows to F32", refusal,
                    () -> compiled.write(sample.x, SparseRows.ofDense(Tensor.zeros(5, 3))));
            refused("reading an input", refusal, () -> compiled.read(sample.x));
            refused("reading a weight", refusal, () -> compiled.read(sample.w));
            refused("reading an intermediate", refusal, () -> compiled.read(sample.product));
            refused("reading an input into an array", refusal, () -> compiled.read(sample.x, new float[15]));
            refused("reading into an array that is too long", refusal, () -> compiled.read(sample.out, new float[11]));
            refused("reading into an array that is too short", refusal, () -> compiled.read(sample.out, new float[9]));
            refused("reading sparse rows of F32", refusal, () -> compiled.readSparse(sample.out));
            refused("reading values of sparse rows of F32", refusal, () -> compiled.readValues(sample.out, new float[10]));
            refused("a buffer that the program lacks", refusal,
                    () -> compiled.read(new Buffer("unknown", Buffer.Role.OUTPUT, Buffer.Type.F32, 1, 1)));
            refused("a buffer of the same name but another shape", refusal,
                    () -> compiled.read(new Buffer("out", Buffer.Role.OUTPUT, Buffer.Type.F32, 1, 1)));
            sample.expect(10);
            other.expect(10);
        }
        Program.Builder builder = Program.builder("sparse");
        Buffer s = builder.buffer("s", Buffer.Role.INPUT, Buffer.Type.SPARSE, 3, 5);
        Buffer out = builder.output("out", 1, 5);
        builder.add(new Op.SparseColumnSum(s, false, out));
        try (CompiledProgram compiled = engine.compile(builder.build(), Map.of())) {
            refused("sparse rows of another shape", refusal, () -> compiled.write(s, SparseRows.ofDense(Tensor.zeros(5, 3))));
            refused("reading a sparse input", refusal, () -> compiled.readSparse(s));
            refused("writing floats to SPARSE", refusal, () -> compiled.write(s, new float[15]));
            refused("reading floats of SPARSE", refusal, () -> compiled.read(s));
        }
    }

    private static void indices(Engine engine) {
        Program.Builder builder = Program.builder("indices");
        Buffer tokens = builder.intInput("tokens", 2);
        Buffer rows = builder.intInput("rows", 2);
        Buffer gathered = builder.intermediate("gathered", 2, 1);
        Buffer target = builder.parameter("target", 3, 1);
        builder.add(new Op.Gather(tokens, builder.weight("table", 4, 1), gathered)).add(new Op.Patch(target, rows, gathered, true));
        Map<String, Tensor> table = Map.of("table", Tensor.of(new float[] {1, 2, 3, 4}, 4, 1));
        try (CompiledProgram compiled = engine.compile(builder.build(), table)) {
            for (int[] bad : new int[][] {{0, 4}, {-1, 0}, {Integer.MAX_VALUE, 0}, {0, Integer.MIN_VALUE}}) {
                compiled.write(tokens, bad);
                compiled.write(rows, new int[] {0, 1});
                refused("gathering rows " + Arrays.toString(bad) + " of 4", IllegalArgumentException.class, compiled::run);
            }
            compiled.write(tokens, new int[] {3, 0});
            for (int[] bad : new int[][] {{0, 3}, {-2, 0}, {2, 2}, {0, Integer.MAX_VALUE}}) {
                compiled.write(rows, bad);
                refused("patching rows " + Arrays.toString(bad) + " of 3", IllegalArgumentException.class, compiled::run);
            }
            compiled.write(target, new float[3]);
            compiled.write(rows, new int[] {-1, 2});
            compiled.run();
            equal("a run after refused indices", new float[] {0, 0, 1}, compiled.read(target).toArray());
            compiled.write(rows, new int[] {-1, -1});
            compiled.run();
            equal("a run that patches nothing", new float[] {0, 0, 1}, compiled.read(target).toArray());
        }
    }

    /** A run either finishes or says that it was interrupted; the thread stays interrupted, and parameters are changed as a whole. */
    private static void interrupts(Engine engine) {
        Program.Builder builder = Program.builder("interrupted");
        Buffer x = builder.input("x", 3, 2);
        Buffer out = builder.output("out", 3, 2);
        builder.add(new Op.Map(x, Function.RELU, out));
        try (Sample sample = new Sample(engine); CompiledProgram compiled = engine.compile(builder.build(), Map.of())) {
            float[] values = {1, -2, 3, -4, 5, -6};
            compiled.write(x, values);
            Thread.currentThread().interrupt();
            try {
                compiled.run();
            } catch (CancellationException e) {
                // Allowed.
            } finally {
                equal("whether the thread is still interrupted after a run", true, Thread.interrupted());
            }
            compiled.run();
            equal("a run after an interrupted one", new float[] {1, 0, 3, 0, 5, 0}, compiled.read(out).toArray());
            Thread.currentThread().interrupt();
            try {
                sample.expect(10);
            } finally {
                equal("whether the thread is still interrupted after a run that changes parameters", true, Thread.interrupted());
            }
            sample.expect(20);
        }
    }

    private static void memory(Engine engine) {
        Program.Builder builder = Program.builder("huge");
        Buffer x = builder.intermediate("x", 1_000_000, 2_000_000);
        builder.add(new Op.Map(x, Function.RELU, x));
        String message = refused("a program of 8 TB", EngineException.class, () -> engine.compile(builder.build(), Map.of()));
        if (!message.contains("huge") || !message.matches("(?s).*\\d.*")) {
            throw new AssertionError("a program that cannot fit: the message names the program and sizes, found " + message);
        }
    }

    private static void closed(Engine engine) {
        Class<IllegalStateException> refusal = IllegalStateException.class;
        Sample sample = new Sample(engine);
        sample.expect(10);
        sample.close();
        sample.close();
        CompiledProgram compiled = sample.compiled;
        refused("run() after close", refusal, compiled::run);
        refused("write() after close", refusal, () -> compiled.write(sample.x, new float[15]));
        refused("read() after close", refusal, () -> compiled.read(sample.out));
        refused("read() into an array after close", refusal, () -> compiled.read(sample.out, new float[10]));
        refused("program() after close", refusal, compiled::program);
    }

    private static float[] ones(int count) {
        float[] values = new float[count];
        Arrays.fill(values, 1);
        return values;
    }

    static void equal(String what, Object expected, Object found) {
        if (!Arrays.deepEquals(new Object[] {expected}, new Object[] {found})) {
            throw new AssertionError(what + ": expected " + text(expected) + ", found " + text(found));
        }
    }

    private static String text(Object value) {
        return value instanceof float[] floats ? Arrays.toString(floats) : String.valueOf(value);
    }

    static String refused(String what, Class<? extends RuntimeException> type, Runnable action) {
        try {
            action.run();
        } catch (RuntimeException e) {
            if (type.isInstance(e) && e.getMessage() != null) {
                return e.getMessage();
            }
            throw new AssertionError(what + ": expected " + type.getSimpleName() + " with a message, found " + e, e);
        }
        throw new AssertionError(what + ": expected " + type.getSimpleName() + ", but it was accepted");
    }
}
