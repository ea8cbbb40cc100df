package org.sae4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.core.format.SafetensorsWriter;
import org.sae4j.core.output.Existing;
import org.sae4j.core.output.OutputFolder;
import org.sae4j.core.output.OutputKind;
import org.sae4j.demoworld.DemoWorld;
import picocli.CommandLine;

/** No command replaces what stands at its output, unless it is told to and wrote it. */
class OutputTest {
    private static final String HOOK = "blocks.0.mlp.hook_post";

    @TempDir
    private static Path shared;
    private static Path model;
    private static Path activations;
    private static Path store;
    private static Path sae;
    private static Path result;
    private static Path corpus;

    @TempDir
    private Path folder;
    private final StringWriter err = new StringWriter();

    @BeforeAll
    static void prepare() throws IOException {
        model = DemoWorld.extractModel(DemoWorld.GELU_1L, shared.resolve("gelu"));
        activations = shared.resolve("x.safetensors");
        CounterRandom random = new CounterRandom(1).stream("x");
        float[] values = new float[64 * 512];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        SafetensorsWriter.write(activations, Map.of(HOOK, Tensor.of(values, 64, 512)), Map.of("model", "gelu-1l-demo"));
        corpus = Files.writeString(shared.resolve("c.tsv"), "a\tThe cat slept near the tree.\nb\tLe chat dort sur la table.\n");
        sae = shared.resolve("sae");
        store = shared.resolve("store");
        result = shared.resolve("result");
        StringWriter said = new StringWriter();
        for (String[] args : new String[][] {train(sae), harvest(store), experiment(result)}) {
            assertThat(run(said, args)).as("%s", said).isZero();
        }
    }

    private static String[] train(Path output, String... more) {
        return with(more, "train", "--recipe", "openai-topk", "--activations", activations.toString(), "--tensor", HOOK, "--steps", "4",
                "--batch", "8", "--set", "d_sae=32", "--set", "k=4", "--output", output.toString());
    }

    private static String[] harvest(Path output, String... more) {
        return with(more, "harvest", "--model", model.toString(), "--hook", HOOK, "--corpus", corpus.toString(), "--output",
                output.toString());
    }

    private static String[] experiment(Path output, String... more) {
        return with(more, "run", "neighborhood", "--model", model.toString(), "--sae", sae.toString(), "--output", output.toString());
    }

    private static String[] with(String[] more, String... args) {
        List<String> all = new ArrayList<>(List.of(args));
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    private static int run(StringWriter err, String... args) {
        err.getBuffer().setLength(0);
        CommandLine commandLine = Main.commandLine();
        commandLine.setOut(new PrintWriter(new StringWriter(), true));
        commandLine.setErr(new PrintWriter(err, true));
        return commandLine.execute(args);
    }

    private void assertRefused(String message, String... args) {
        assertThat(run(err, args)).as("%s: %s", List.of(args), err).isEqualTo(1);
        assertThat(err.toString().strip()).startsWith("error: ").contains(message).doesNotContain("\n");
    }

    private static Map<String, String> content(Path in) throws IOException {
        Map<String, String> content = new LinkedHashMap<>();
        try (Stream<Path> files = Files.walk(in)) {
            for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
                content.put(in.relativize(file).toString(), java.util.Arrays.hashCode(Files.readAllBytes(file)) + "");
            }
        }
        return content;
    }

    /** A command without its output. */
    private static Map<String, String[]> commands(boolean folders) {
        Map<String, String[]> commands = new LinkedHashMap<>();
        if (folders) {
            commands.put("train", train(Path.of("?")));
            commands.put("harvest", harvest(Path.of("?")));
            commands.put("run", experiment(Path.of("?")));
            commands.put("sweep", new String[] {"sweep", "--recipe", "openai-topk", "--activations", activations.toString(), "--tensor",
                HOOK, "--features", "16,24", "--steps", "2,3", "--batch", "8", "--set", "k=4", "--output", "?"});
            commands.put("store shuffle", new String[] {"store", "shuffle", store.toString(), "--output", "?"});
            commands.put("report features", new String[] {"report", "features", "--model", model.toString(), "--sae", sae.toString(),
                "--corpus", corpus.toString(), "--feature", "1", "--output", "?"});
        } else {
            commands.put("activations", new String[] {"activations", "--model", model.toString(), "--tokens", "1,2", "--hook", HOOK,
                "--output", "?"});
            commands.put("encode", new String[] {"encode", "--sae", sae.toString(), "--input", activations.toString(), "--tensor", HOOK,
                "--output", "?"});
            commands.put("evaluate", new String[] {"evaluate", "--sae", sae.toString(), "--activations", activations.toString(), "--tensor",
                HOOK, "--output", "?"});
            commands.put("report", new String[] {"report", result.toString(), "--output", "?"});
            commands.put("report training", new String[] {"report", "training", sae.toString(), "--output", "?"});
        }
        return commands;
    }

    private static String[] to(String[] command, Path output, String... more) {
        return with(more, Stream.of(command).map(arg -> arg.equals("?") ? output.toString() : arg).toArray(String[]::new));
    }

    @TestFactory
    Stream<DynamicTest> a_folder_is_written_once_and_again_where_that_is_said() {
        return commands(true).entrySet().stream().map(command -> DynamicTest.dynamicTest(command.getKey(), () -> {
            Path out = folder.resolve(command.getKey().replace(' ', '-'));
            assertThat(run(err, to(command.getValue(), out))).as("%s", err).isZero();
            Map<String, String> first = content(out);
            assertRefused("the folder already has ", to(command.getValue(), out));
            assertThat(err.toString()).contains("replace it (--overwrite)");
            assertThat(content(out)).isEqualTo(first);
            Files.writeString(out.resolve("notes.txt"), "mine");
            assertThat(run(err, to(command.getValue(), out, "--overwrite"))).as("%s", err).isZero();
            assertThat(content(out)).hasSize(first.size() + 1).containsAllEntriesOf(first);
            assertThat(out.resolve("notes.txt")).hasContent("mine");
            Path other = Files.createDirectory(folder.resolve("other-" + command.getKey()));
            Files.writeString(other.resolve("thesis.tex"), "mine");
            assertRefused("already has thesis.tex", to(command.getValue(), other));
            Path file = Files.writeString(folder.resolve("file-" + command.getKey()), "mine");
            assertRefused("a file exists where", to(command.getValue(), file, "--overwrite"));
            assertThat(file).hasContent("mine");
            try (OutputFolder held = OutputFolder.open(out, OutputKind.of("a test"), Existing.OVERWRITE)) {
                assertRefused("is being written by process ", to(command.getValue(), held.path(), "--overwrite"));
            }
        }));
    }

    @TestFactory
    Stream<DynamicTest> a_file_is_written_once_and_again_where_that_is_said() {
        return commands(false).entrySet().stream().map(command -> DynamicTest.dynamicTest(command.getKey(), () -> {
            Path out = folder.resolve(command.getKey().replace(' ', '-'));
            assertThat(run(err, to(command.getValue(), out))).as("%s", err).isZero();
            byte[] first = Files.readAllBytes(out);
            assertRefused("exists", to(command.getValue(), out));
            assertThat(out).hasBinaryContent(first);
            assertThat(run(err, to(command.getValue(), out, "--overwrite"))).as("%s", err).isZero();
            Path mine = Files.writeString(folder.resolve("mine-" + command.getKey()), "my thesis");
            assertRefused("a file of 9 bytes already exists", to(command.getValue(), mine));
            assertRefused("is not replaced", to(command.getValue(), mine, "--overwrite"));
            assertThat(mine).hasContent("my thesis");
            Path none = Path.of("/dev/null");
            if (Files.exists(none)) {
                assertThat(run(err, to(command.getValue(), none))).as("%s", err).isZero();
                assertThat(Files.readAttributes(none, java.nio.file.attribute.BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS).isOther())
                        .isTrue();
            }
        }));
    }

    @Test
    void aTrainingThatFailsLosesNothingOfTheOneBefore() throws IOException {
        Path out = folder.resolve("sae");
        assertThat(run(err, train(out))).as("%s", err).isZero();
        Map<String, String> before = content(out);
        assertRefused("lr", train(out, "--overwrite", "--set", "lr=-1"));
        assertRefused("such", train(out, "--overwrite", "--eval-activations", folder.resolve("nowhere").toString()));
        assertRefused("W_enc", train(out, "--overwrite", "--init", activations(Map.of("W_enc", Tensor.zeros(3, 4))).toString()));
        assertRefused("another recipe", train(out, "--resume", "--set", "k=5"));
        assertThat(content(out)).isEqualTo(before);
    }

    private Path activations(Map<String, Tensor> tensors) {
        Path file = folder.resolve("init.safetensors");
        SafetensorsWriter.write(file, tensors, Map.of());
        return file;
    }

    @Test
    void aLineIsAddedToEvaluationsAlone() throws IOException {
        Path lines = folder.resolve("e.jsonl");
        String[] evaluate = to(commands(false).get("evaluate"), lines);
        assertThat(run(err, evaluate)).as("%s", err).isZero();
        assertThat(run(err, evaluate)).as("%s", err).isZero();
        assertThat(Files.readAllLines(lines)).hasSize(2);
        Path texts = Files.writeString(folder.resolve("texts.jsonl"), "{\"text\": \"mine\"}\n");
        assertRefused("not added to", to(commands(false).get("evaluate"), texts));
        assertThat(texts).hasContent("{\"text\": \"mine\"}");
    }
}
