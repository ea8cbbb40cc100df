package org.sae4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.core.format.SaeFiles;
import org.sae4j.core.format.SafetensorsFile;
import org.sae4j.core.format.SafetensorsWriter;
import org.sae4j.demoworld.DemoWorld;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The stable forms of the command line, and what it says when something is wrong. */
class CommandLineTest {
    private static final int D_IN = 512;
    private static final int D_SAE = 40;

    @TempDir
    private static Path shared;
    private static Path gelu;
    private static Path gpt2;
    private static Path sae;

    @TempDir
    private Path folder;
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeAll
    static void prepare() {
        gelu = DemoWorld.extractModel(DemoWorld.GELU_1L, shared.resolve("gelu"));
        gpt2 = DemoWorld.extractModel(DemoWorld.GPT2_4L, shared.resolve("gpt2"));
        sae = shared.resolve("sae");
        SaeConfig config = SaeConfig.builder(SaeConfig.Architecture.TOPK, D_IN, D_SAE).k(5).hook(HookPoint.mlpPost(0))
                .modelName("gelu-1l-demo").build();
        SaeFiles.write(sae, config, Map.of("W_enc", random("e", D_IN, D_SAE), "W_dec", random("d", D_SAE, D_IN), "b_enc",
                Tensor.zeros(D_SAE), "b_dec", Tensor.zeros(D_IN)), Map.of());
    }

    private static Tensor random(String name, int... shape) {
        CounterRandom random = new CounterRandom(7).stream(name);
        float[] values = new float[shape[0] * shape[1]];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian() * 0.1f;
        }
        return Tensor.of(values, shape);
    }

    private int run(String... args) {
        CommandLine commandLine = Main.commandLine();
        commandLine.setOut(new PrintWriter(out, true));
        commandLine.setErr(new PrintWriter(err, true));
        return commandLine.execute(args);
    }

    private void assertFails(int code, String message, String... args) {
        assertThat(run(args)).as("exit code, with error %s", err).isEqualTo(code);
        assertThat(err.toString().strip()).startsWith("error: ").contains(message).doesNotContain("\n").doesNotContain("\tat ");
    }

    /** Strength 0 writes what generate writes; a random direction stands beside the feature's. */
    @Test
    void steeringGrowsBesideARandomDirection() throws IOException {
        Path prompts = Files.writeString(folder.resolve("prompts.txt"), "The cat slept under the\n\nThe capital of France is\n");
        String[] steer = {"steer", "--model", gelu.toString(), "--sae", sae.toString(), "--feature", "3", "--prompts", prompts.toString(),
            "--max-new-tokens", "5"};
        assertThat(run("generate", "--model", gelu.toString(), "--text", "The cat slept under the", "--max-new-tokens", "5")).as(err.toString())
                .isZero();
        String unsteered = out.toString().strip();
        out.getBuffer().setLength(0);
        assertThat(run(with(steer, "--strength", "0,2", "--json"))).as(err.toString()).isZero();
        String json = out.toString();
        assertThat(json).contains("\"schema\": \"sae4j/steer/1\"", "\"positions\": \"not-first\"", "\"steered\"", "\"random\"", unsteered);
        out.getBuffer().setLength(0);
        assertThat(run(with(steer, "--strength", "0,2", "--positions", "all"))).as(err.toString()).isZero();
        assertThat(out.toString()).contains("the unit of strength is ", "text ");
        assertThat(run(with(steer, "--positions", "some"))).isEqualTo(2);
        assertThat(run("steer", "--model", gelu.toString(), "--sae", sae.toString(), "--feature", "99999", "--prompts", prompts.toString())).isEqualTo(1);
        assertThat(err.toString()).contains("--positions is all or not-first, found some", "no feature 99999");
    }

    private static String[] with(String[] args, String... more) {
        return Stream.concat(Stream.of(args), Stream.of(more)).toArray(String[]::new);
    }

    @Test
    void anInputIsNeverWrittenOver() throws IOException {
        Path input = Files.copy(Path.of(activations()), folder.resolve("input.safetensors"));
        byte[] before = Files.readAllBytes(input);
        assertFails(1, "the output is one of the inputs", "encode", "--sae", sae.toString(), "--input", input.toString(), "--tensor", "data",
                "--output", folder.resolve("../" + folder.getFileName() + "/input.safetensors").toString());
        err.getBuffer().setLength(0);
        assertFails(1, "the output is one of the inputs", "evaluate", "--sae", sae.toString(), "--activations", input.toString(), "--output",
                input.toString());
        assertThat(input).hasBinaryContent(before);
        err.getBuffer().setLength(0);
        Path text = Files.writeString(folder.resolve("text.txt"), "The cat slept.");
        assertFails(1, "the output is one of the inputs", "activations", "--model", gelu.toString(), "--file", text.toString(), "--hook",
                "logits", "--output", text.toString());
        assertThat(text).hasContent("The cat slept.");
        err.getBuffer().setLength(0);
        Path init = Files.createDirectories(folder.resolve("t")).resolve("sae_weights.safetensors");
        Files.copy(sae.resolve("sae_weights.safetensors"), init);
        assertFails(1, "the output is one of the inputs", "train", "--recipe", "openai-topk", "--activations", input.toString(), "--init",
                init.toString(), "--output", file("t"));
        assertThat(init).hasBinaryContent(Files.readAllBytes(sae.resolve("sae_weights.safetensors")));
    }

    @Test
    void aTokenizerAloneIsEnoughToTokenize() throws IOException {
        Path tokenizer = Files.createDirectories(folder.resolve("tokenizer"));
        Files.copy(gpt2.resolve("tokenizer.json"), tokenizer.resolve("tokenizer.json"));
        assertThat(run("tokenize", "--model", tokenizer.toString(), "--text", "The cat")).as("%s", err).isZero();
        JsonNode line = new JsonMapper().readTree(out.toString());
        assertThat(line.get("ids").size()).isEqualTo(line.get("tokens").size()).isPositive();
        assertThat(line.get("tokens").valueStream().map(JsonNode::stringValue).reduce("", String::concat)).isEqualTo("The\u0120cat");
        out.getBuffer().setLength(0);
        Path texts = Files.writeString(folder.resolve("texts.jsonl"), "{\"body\": \"a\\nb\"}\n{\"body\": \"\"}\n");
        assertThat(run("tokenize", "--model", tokenizer.toString(), "--jsonl", texts.toString(), "--field", "body", "--special")).as("%s", err)
                .isZero();
        assertThat(out.toString().lines()).hasSize(2).last().isEqualTo("{\"ids\":[],\"tokens\":[]}");
        assertThat(run("tokenize", "--model", tokenizer.toString())).isEqualTo(2);
    }

    @Test
    void tokenIdsNeedNoTokenizerThatCanBeRead() throws IOException {
        Path model = Files.createDirectories(folder.resolve("model"));
        for (String name : List.of("config.json", "model.safetensors")) {
            Files.copy(gelu.resolve(name), model.resolve(name));
        }
        Files.writeString(model.resolve("tokenizer.json"), "{\"model\": {\"type\": \"WordLevel\", \"vocab\": {}}}");
        assertThat(run("activations", "--model", model.toString(), "--tokens", "0,1,2", "--hook", "logits", "--output", file("a.safetensors")))
                .as("%s", err).isZero();
        assertFails(1, "tokenizer.json", "activations", "--model", model.toString(), "--text", "a", "--hook", "logits", "--output",
                file("b.safetensors"));
    }

    @Test
    void aHeapThatIsExhaustedWhileAClassIsLinkedIsSaidInOneLine() {
        CommandLine command = Main.commandLine();
        command.setErr(new PrintWriter(err, true));
        command.setExecutionStrategy(parsed -> {
            throw new BootstrapMethodError("linking", new OutOfMemoryError("Java heap space"));
        });
        assertThat(Main.execute(command, "doctor")).isEqualTo(1);
        assertThat(err.toString().strip()).startsWith("error: out of memory").doesNotContain("\n");
        command.setExecutionStrategy(parsed -> {
            throw new NoClassDefFoundError("x");
        });
        err.getBuffer().setLength(0);
        assertThat(Main.execute(command, "doctor")).isEqualTo(1);
        assertThat(err.toString().strip()).startsWith("error: unexpected NoClassDefFoundError").doesNotContain("\n");
    }

    private String file(String name) {
        return folder.resolve(name).toString();
    }

    private String activations() {
        String path = file("acts.safetensors");
        SafetensorsWriter.write(Path.of(path), Map.of("data", random("x", 64, D_IN)), Map.of());
        return path;
    }

    @Test
    void activationsWritesOneTensorForEachHook() {
        assertThat(run("activations", "--model", gelu.toString(), "--tokens", "1,2,3;4,5,6", "--hook", "blocks.0.mlp.hook_post,logits",
                "--output", file("out.safetensors"))).as(err.toString()).isZero();
        try (SafetensorsFile written = SafetensorsFile.open(Path.of(file("out.safetensors")))) {
            assertThat(written.names()).containsExactlyInAnyOrder("blocks.0.mlp.hook_post", "logits");
            assertThat(written.shape("blocks.0.mlp.hook_post")).containsExactly(2, 3, 512);
            assertThat(written.shape("logits")).containsExactly(2, 3, 1024);
        }
    }

    @Test
    void textIsBegunByTheBeginningOfSequence() throws IOException {
        Files.writeString(folder.resolve("text.txt"), "The capital of France is");
        assertThat(run("activations", "--model", gpt2.toString(), "--file", file("text.txt"), "--hook", "hook_embed", "--output",
                file("a.safetensors"))).as(err.toString()).isZero();
        assertThat(run("activations", "--model", gpt2.toString(), "--text", "The capital of France is", "--no-bos", "--hook", "hook_embed",
                "--output", file("b.safetensors"))).isZero();
        try (SafetensorsFile a = SafetensorsFile.open(Path.of(file("a.safetensors")));
                SafetensorsFile b = SafetensorsFile.open(Path.of(file("b.safetensors")))) {
            assertThat(a.shape("hook_embed")[1]).isEqualTo(b.shape("hook_embed")[1] + 1);
            assertThat(a.tensor("hook_embed").row(1)).isEqualTo(b.tensor("hook_embed").row(0));
        }
    }

    @Test
    void headsAreFlattenedForTheAutoencoder() {
        float[] values = random("z", 3, D_IN).toArray();
        SafetensorsWriter.write(Path.of(file("heads.safetensors")), Map.of("z", Tensor.of(values, 1, 3, 8, D_IN / 8), "flat",
                Tensor.of(values, 3, D_IN)), Map.of());
        for (String tensor : List.of("z", "flat")) {
            assertThat(run("encode", "--sae", sae.toString(), "--input", file("heads.safetensors"), "--tensor", tensor, "--output",
                    file(tensor + ".safetensors"))).as(err.toString()).isZero();
        }
        try (SafetensorsFile z = SafetensorsFile.open(Path.of(file("z.safetensors")));
                SafetensorsFile flat = SafetensorsFile.open(Path.of(file("flat.safetensors")))) {
            assertThat(z.shape("features")).containsExactly(1, 3, D_SAE);
            assertThat(z.shape("reconstruction")).containsExactly(1, 3, 8, D_IN / 8);
            assertThat(z.tensor("features").toArray()).isEqualTo(flat.tensor("features").toArray());
            assertThat(z.tensor("reconstruction").toArray()).isEqualTo(flat.tensor("reconstruction").toArray());
        }
    }

    @Test
    void processedWeightsAreAskedForAndRecorded() {
        for (String steps : List.of("", "--process=all", "--process=fold_ln,center_writing_weights")) {
            List<String> args = new java.util.ArrayList<>(List.of("activations", "--model", gpt2.toString(), "--tokens", "1,2,3", "--hook",
                    "blocks.1.hook_resid_pre,blocks.1.mlp.hook_post", "--output", file("o" + steps.length() + ".safetensors")));
            if (!steps.isEmpty()) {
                args.add(steps);
            }
            assertThat(run(args.toArray(String[]::new))).as(err.toString()).isZero();
        }
        try (SafetensorsFile raw = SafetensorsFile.open(Path.of(file("o0.safetensors")));
                SafetensorsFile all = SafetensorsFile.open(Path.of(file("o13.safetensors")))) {
            assertThat(raw.metadata()).containsEntry("model", "gpt2");
            assertThat(all.metadata()).containsEntry("model",
                    "gpt2 + fold_ln + center_writing_weights + center_unembed + fold_value_biases");
            float[] row = all.tensor("blocks.1.hook_resid_pre").row(1);
            double sum = 0;
            for (float value : row) {
                sum += value;
            }
            assertThat(sum).isCloseTo(0, within(1e-3));
            float[] hidden = all.tensor("blocks.1.mlp.hook_post").toArray();
            for (int i = 0; i < hidden.length; i++) {
                assertThat(hidden[i]).isCloseTo(raw.tensor("blocks.1.mlp.hook_post").get(i), within(1e-4f));
            }
        }
        assertFails(2, "--process has [fold_lm]", "activations", "--model", gpt2.toString(), "--tokens", "1", "--hook", "logits",
                "--output", file("o.safetensors"), "--process", "fold_lm");
    }

    @Test
    void aModelWithoutTokenizerTakesTokens() throws IOException {
        Path bare = DemoWorld.extractModel(DemoWorld.GPT2_4L, folder.resolve("bare"));
        Files.delete(bare.resolve("tokenizer.json"));
        assertThat(run("activations", "--model", bare.toString(), "--tokens", "1,2", "--hook", "logits", "--output", file("o.safetensors")))
                .as(err.toString()).isZero();
        assertFails(1, "the model has no tokenizer", "activations", "--model", bare.toString(), "--text", "a", "--hook", "logits",
                "--output",
                file("p.safetensors"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "1 | the text is empty | --text '' --hook logits",
        "2 | unknown hook point 'blocks.9.hook_resid_pre' | --tokens 1,2 --hook blocks.9.hook_resid_pre",
        "2 | unknown hook point 'blocks.0.nothing' | --tokens 1,2 --hook logits,blocks.0.nothing",
        "1 | token id 1024 is not in the vocabulary | --tokens 1,1024 --hook logits",
        "1 | token id -1 is not in the vocabulary | --tokens=-1 --hook logits",
        "1 | No such file or directory | --file no-such.txt --hook logits",
        "2 | Unknown option: '--batch=3' | --tokens 1,2 --hook logits --batch=3",
        "2 | Missing required option: '--hook=HOOK' | --tokens 1,2",
        "2 | --tokens has 'x' in row 2 | --tokens 1,2;3,x --hook logits",
        "2 | rows of 2 and 1 tokens | --tokens 1,2;3 --hook logits",
        "2 | --tokens | --tokens 1,2 --text a --hook logits",
    })
    void wrongActivationsAreExplained(int code, String message, String args) {
        List<String> all = new java.util.ArrayList<>(List.of("activations", "--model", gpt2.toString(), "--output", file("o.safetensors")));
        for (String arg : args.split(" ")) {
            all.add(arg.equals("''") ? "" : arg);
        }
        assertFails(code, message, all.toArray(String[]::new));
        assertThat(folder.resolve("o.safetensors")).doesNotExist();
    }

    @Test
    void aTextLongerThanTheContextIsRefused() {
        assertFails(1, "longer than the context of 128", "activations", "--model", gpt2.toString(), "--text", "The cat sat. ".repeat(200),
                "--hook", "logits", "--output", file("o.safetensors"));
    }

    @Test
    void brokenWeightsAreRefused() throws IOException {
        Path broken = DemoWorld.extractModel(DemoWorld.GPT2_4L, folder.resolve("broken"));
        byte[] bytes = Files.readAllBytes(broken.resolve("model.safetensors"));
        Files.write(broken.resolve("model.safetensors"), java.util.Arrays.copyOf(bytes, bytes.length - 7));
        assertFails(1, "model.safetensors", "activations", "--model", broken.toString(), "--tokens", "1", "--hook", "logits", "--output",
                file("o.safetensors"));
    }

    @Test
    void convertedAutoencodersComputeTheSame() {
        for (String layout : List.of("saelens", "sparsify")) {
            String converted = file(layout + "/layers.3.mlp");
            assertThat(run("convert", "--sae", sae.toString(), "--to", layout, "--output", converted)).as(err.toString()).isZero();
            assertThat(run("encode", "--sae", converted, "--input", activations(), "--tensor", "data", "--output", file("c.safetensors")))
                    .as(err.toString()).isZero();
            assertThat(run("encode", "--sae", sae.toString(), "--input", activations(), "--tensor", "data", "--output",
                    file("o.safetensors"))).isZero();
            try (SafetensorsFile expected = SafetensorsFile.open(folder.resolve("o.safetensors"));
                    SafetensorsFile found = SafetensorsFile.open(folder.resolve("c.safetensors"))) {
                for (String tensor : List.of("features", "reconstruction")) {
                    assertThat(found.tensor(tensor).toArray()).isEqualTo(expected.tensor(tensor).toArray());
                }
            }
            assertThat(folder.resolve("c.safetensors").toFile().delete() && folder.resolve("o.safetensors").toFile().delete()).isTrue();
        }
        assertFails(1, "--overwrite", "convert", "--sae", sae.toString(), "--output", file("saelens/layers.3.mlp"));
        for (String layout : List.of("saelens", "sparsify")) {
            assertThat(run("convert", "--sae", sae.toString(), "--to", layout, "--output", file(layout + "/layers.3.mlp"), "--overwrite"))
                    .as(err.toString()).isZero();
        }
        SaeConfig relu = SaeConfig.builder(SaeConfig.Architecture.RELU, D_IN, D_SAE).build();
        err.getBuffer().setLength(0);
        SaeFiles.write(folder.resolve("relu"), relu, Map.of("W_enc", random("e", D_IN, D_SAE), "W_dec", random("d", D_SAE, D_IN), "b_enc",
                Tensor.zeros(D_SAE), "b_dec", Tensor.zeros(D_IN)), Map.of());
        assertFails(1, "sparsify's layout has TopK and group maxima", "convert", "--sae", file("relu"), "--to", "sparsify", "--output",
                file("layers.1"));
    }

    @Test
    void aTranscoderToAnotherWidthWritesItsOutput() {
        SaeConfig config = SaeConfig.builder(SaeConfig.Architecture.RELU, D_IN, D_SAE).transcoder(7, java.util.Optional.empty()).build();
        SaeFiles.write(folder.resolve("transcoder"), config, Map.of("W_enc", random("e", D_IN, D_SAE), "W_dec", random("d", D_SAE, 7),
                "b_enc", Tensor.zeros(D_SAE), "b_dec", Tensor.zeros(7)), Map.of());
        assertThat(run("encode", "--sae", file("transcoder"), "--input", activations(), "--tensor", "data", "--output",
                file("f.safetensors"))).as(err.toString()).isZero();
        try (SafetensorsFile written = SafetensorsFile.open(folder.resolve("f.safetensors"));
                SafetensorsFile input = SafetensorsFile.open(Path.of(activations()))) {
            assertThat(written.shape("reconstruction")).containsExactly(input.shape("data")[0], 7);
        }
        assertFails(1, "a transcoder does not reconstruct what it reads", "evaluate", "--sae", file("transcoder"), "--activations",
                activations(), "--tensor", "data");
    }

    @Test
    void encodeWritesFeaturesAndReconstruction() {
        assertThat(run("encode", "--sae", sae.toString(), "--input", activations(), "--tensor", "data", "--output", file("f.safetensors")))
                .as(err.toString()).isZero();
        try (SafetensorsFile written = SafetensorsFile.open(Path.of(file("f.safetensors")))) {
            assertThat(written.shape("features")).containsExactly(64, D_SAE);
            assertThat(written.shape("reconstruction")).containsExactly(64, D_IN);
        }
        assertFails(1, "no tensor 'y'", "encode", "--sae", sae.toString(), "--input", activations(), "--tensor", "y", "--output",
                file("g.safetensors"));
    }

    @Test
    void trainingFromStoredActivationsWritesEverything() throws IOException {
        String init = file("init.safetensors");
        SafetensorsWriter.write(Path.of(init), Map.of("W_enc", random("a", D_IN, 24), "W_dec", random("b", 24, D_IN), "b_enc",
                Tensor.zeros(24), "b_dec", Tensor.zeros(D_IN)), Map.of());
        String[] args = {"train", "--recipe", "neel-run1", "--activations", activations(), "--tensor", "data", "--init", init, "--order",
            "sequential", "--steps", "4", "--batch", "16", "--set", "l1=1e-3", "--set", "lr=1e-3", "--output", file("trained")};
        assertThat(run(args)).as(err.toString()).isZero();
        assertThat(Files.readAllLines(folder.resolve("trained/metrics.jsonl"))).hasSize(4).allMatch(l -> l.startsWith("{\"step\""));
        assertThat(folder.resolve("trained/cfg.json")).isNotEmptyFile();
        assertThat(folder.resolve("trained/checkpoints")).isNotEmptyDirectory();
        try (SafetensorsFile weights = SafetensorsFile.open(folder.resolve("trained/sae_weights.safetensors"))) {
            assertThat(weights.shape("W_enc")).containsExactly(D_IN, 24);
        }
        assertThat(run("encode", "--sae", file("trained"), "--input", activations(), "--tensor", "data", "--output", file("f.safetensors")))
                .as(err.toString()).isZero();
    }

    @Test
    void anAutoencoderTrainedOnActivationsOfAHookPointKnowsWhereItBelongs() {
        String file = file("acts.safetensors");
        assertThat(run("activations", "--model", gelu.toString(), "--text", "The cat slept under the tree.", "--hook",
                "blocks.0.mlp.hook_post",
                "--output", file)).as(err.toString()).isZero();
        assertThat(run("train", "--recipe", "openai-topk", "--activations", file, "--tensor", "blocks.0.mlp.hook_post", "--steps", "2",
                "--batch", "4", "--set", "d_sae=32", "--set", "k=4", "--output", file("placed"))).as(err.toString()).isZero();
        assertThat(folder.resolve("placed/cfg.json")).content().contains("\"hook_name\": \"blocks.0.mlp.hook_post\"")
                .contains("\"model_name\": \"gelu-1l-demo\"");
    }

    @Test
    void aResumedTrainingGivesTheSameFiles() throws IOException {
        String data = activations();
        for (String name : List.of("whole", "halves")) {
            String steps = name.equals("whole") ? "6" : "3";
            assertThat(run("train", "--recipe", "openai-topk", "--activations", data, "--steps", steps, "--batch", "8", "--set", "d_sae=32",
                    "--set", "k=4", "--output", file(name))).as(err.toString()).isZero();
        }
        assertThat(run("train", "--recipe", "openai-topk", "--activations", data, "--steps", "6", "--batch", "8", "--set", "d_sae=32",
                "--set",
                "k=4", "--resume", "--output", file("halves"))).as(err.toString()).isZero();
        for (String written : List.of("sae_weights.safetensors", "metrics.jsonl", "cfg.json", "README.md")) {
            assertThat(folder.resolve("halves").resolve(written)).hasSameBinaryContentAs(folder.resolve("whole").resolve(written));
        }
    }

    @Test
    void aResultCarriesItsProvenanceAndItsNewestCheckpoints() throws IOException {
        String[] args = {"train", "--recipe", "openai-topk", "--activations", activations(), "--steps", "6", "--batch", "8", "--set",
            "d_sae=32", "--set", "k=4", "--checkpoint-every", "1", "--keep", "3", "--resume", "--output", file("kept")};
        assertThat(run(args)).as(err.toString()).isZero();
        assertThat(folder.resolve("kept/checkpoints")).isDirectoryContaining("glob:**manifest.json")
                .isDirectoryContaining("glob:**checkpoint-000000004.safetensors")
                .isDirectoryNotContaining("glob:**checkpoint-000000003.safetensors");
        assertThat(folder.resolve("kept/README.md")).content().contains("openai-topk", "k=4", "sha256", "gamma", "explained_variance",
                "loss: ");
        String[] other = args.clone();
        other[4] = sequence();
        assertFails(1, "the checkpoint is of other data", other);
        err.getBuffer().setLength(0);
        args[16] = "0";
        assertFails(2, "--keep is at least 1", args);
    }

    /** Other activations of the same width. */
    private String sequence() {
        String other = file("other.safetensors");
        SafetensorsWriter.write(Path.of(other), Map.of("data", random("other", 64, D_IN)), Map.of());
        return other;
    }

    @Test
    void aSweepFindsTheLawAndGoesOnWhereItWas() throws IOException {
        String[] args = {"sweep", "--recipe", "openai-topk", "--activations", activations(), "--features", "8,16", "--steps", "5,20",
            "--batch", "8", "--set", "k=2", "--set", "lr=1e-2", "--held-out", "16", "--jobs", "2", "--output", file("sweep")};
        assertThat(run(args)).as(err.toString()).isZero();
        byte[] first = Files.readAllBytes(folder.resolve("sweep/sweep.json"));
        assertThat(new String(first, java.nio.charset.StandardCharsets.UTF_8)).contains("sae4j/sweep/2", "\"recommended\"", "\"frontier\"");
        assertThat(folder.resolve("sweep/report.html")).content().contains("Loss by compute");
        try (SafetensorsFile weights = SafetensorsFile.open(folder.resolve("sweep/runs/features-16-steps-20/sae_weights.safetensors"))) {
            assertThat(weights.shape("W_enc")).containsExactly(D_IN, 16);
        }
        Files.delete(folder.resolve("sweep/sweep.json"));
        args = Stream.concat(Stream.of(args), Stream.of("--resume")).toArray(String[]::new);
        assertThat(run(args)).as(err.toString()).isZero();
        assertThat(folder.resolve("sweep/sweep.json")).hasBinaryContent(first);
        assertFails(1, "error=sum", "sweep", "--recipe", "paper", "--set", "l1=3e-5", "--activations", activations(), "--features", "8", "--steps", "5",
                "--output", file("s"));
        err.getBuffer().setLength(0);
        assertFails(2, "--features takes distinct positive numbers", "sweep", "--recipe", "openai-topk", "--activations", activations(),
                "--features", "8,8", "--steps", "5", "--output", file("s"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "2 | did you mean 'neel-run1'? | --recipe neel-run",
        "1 | l1 | --recipe neel-run1 --set l2=3",
        "2 | Missing required option: '--recipe=NAME' | --steps 3",
        "2 | Invalid value for option '--steps' | --recipe neel-run1 --steps many",
    })
    void wrongTrainingIsExplained(int code, String message, String args) {
        List<String> all = new java.util.ArrayList<>(List.of("train", "--activations", activations(), "--output", file("t")));
        all.addAll(List.of(args.split(" ")));
        assertFails(code, message, all.toArray(String[]::new));
    }

    @Test
    void evaluateMeasuresOnTextsAndOnActivations() throws IOException {
        Files.writeString(folder.resolve("texts.tsv"), "english\tThe cat slept under the tree today.\n");
        assertThat(run("evaluate", "--sae", sae.toString(), "--model", gelu.toString(), "--corpus", file("texts.tsv"))).as(err.toString())
                .isZero();
        assertThat(out.toString()).contains("explained variance").contains("CE recovered");
        assertThat(run("evaluate", "--sae", sae.toString(), "--activations", activations())).as(err.toString()).isZero();
    }

    @Test
    void runWritesResultFiguresAndReport() {
        assertThat(run("run", "neighborhood", "--model", gelu.toString(), "--sae", sae.toString(), "--output",
                file("n"))).as(err.toString())
                .isZero();
        assertThat(folder.resolve("n/result.json")).content().contains("sae4j/result/1").contains("\"seed\"");
        assertThat(folder.resolve("n/report.html")).isNotEmptyFile();
        assertThat(folder.resolve("n/figures")).isNotEmptyDirectory();
        assertThat(run("report", file("n"), "--output", file("again.html"))).as(err.toString()).isZero();
        assertThat(folder.resolve("again.html")).isNotEmptyFile();
        assertThat(run("report", file("n"), file("n"), "--output", file("twice.html"))).as(err.toString()).isZero();
        assertThat(folder.resolve("twice.html")).content().contains("id=\"neighborhood-2\"").contains("model gelu-1l-demo, seed 0");
    }

    @Test
    void wrongRunsAreExplained() throws IOException {
        String model = gelu.toString();
        assertFails(2, "no experiment 'neighbourhood'", "run", "neighbourhood", "--model", model, "--output", file("x"));
        err.getBuffer().setLength(0);
        assertFails(2, "Missing required option: '--model=DIR'", "run", "neighborhood", "--output", file("x"));
        err.getBuffer().setLength(0);
        assertFails(2, "Missing required options: '--model=DIR', '--output=DIR'", "run", "neighborhood");
        err.getBuffer().setLength(0);
        Files.writeString(folder.resolve("c.json"), "{\"neighbour\": 3}");
        assertFails(1, "unknown setting 'neighbour'", "run", "neighborhood", "--model", model, "--sae", sae.toString(), "--config",
                file("c.json"), "--output", file("x"));
        assertThat(folder.resolve("x")).doesNotExist();
    }

    private String texts() throws IOException {
        Path file = folder.resolve("texts.tsv");
        if (!Files.exists(file)) {
            List<String> lines = new java.util.ArrayList<>();
            for (int i = 0; i < 6; i++) {
                lines.add("markup\t</script><script>alert(" + i + ")</script> \u202E & \"" + "x".repeat(i));
                lines.add("english\tThe cat slept under the tree and the dog sat near it, " + i + " times.");
            }
            Files.write(file, lines);
        }
        return file.toString();
    }

    private String[] features(String... more) throws IOException {
        List<String> all = new java.util.ArrayList<>(List.of("report", "features", "--model", gelu.toString(), "--sae", sae.toString(),
                "--corpus", texts(), "--overwrite", "--output", file("pages")));
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    @Test
    void featuresShowsTheBestOfEachLabelAsAPageAndAsData() throws IOException {
        Files.writeString(folder.resolve("facts.json"),
                "[{\"relation\":\"r\",\"prompt\":\"The cat\",\"subject\":\"cat\",\"answer\":\" slept\"}]");
        assertThat(run(features("--facts", file("facts.json")))).as(err.toString()).isZero();
        JsonNode data = JsonMapper.shared().readTree(Files.readString(folder.resolve("pages/features.json")));
        assertThat(data.path("schema").asString()).isEqualTo("sae4j/features/1");
        assertThat(data.at("/provenance/model").asString()).isEqualTo("gelu-1l-demo");
        assertThat(data.at("/data/labels").toString()).isEqualTo("[\"markup\",\"english\"]");
        assertThat(data.at("/data/features")).isNotEmpty();
        String html = Files.readString(folder.resolve("pages/features.html"));
        assertThat(html).doesNotContain("<script>alert", "\u202E");
        for (JsonNode feature : data.at("/data/features")) {
            assertThat(html).contains("<section id=\"feature-" + feature.path("feature").asInt() + "\"");
        }
        byte[] first = Files.readAllBytes(folder.resolve("pages/features.json"));
        assertThat(run(features("--facts", file("facts.json"), "--threads", "1"))).as(err.toString()).isZero();
        assertThat(folder.resolve("pages/features.json")).hasBinaryContent(first);
    }

    @Test
    void featuresTakesNumbersOrTheBestFew() throws IOException {
        assertThat(run(features("--feature", "7,3"))).as(err.toString()).isZero();
        JsonNode chosen = JsonMapper.shared().readTree(Files.readString(folder.resolve("pages/features.json"))).at("/data/features");
        assertThat(chosen.size()).isEqualTo(2);
        assertThat(chosen.path(0).path("feature").asInt()).isEqualTo(7);
        assertThat(run(features("--top", "4"))).as(err.toString()).isZero();
        assertThat(JsonMapper.shared().readTree(Files.readString(folder.resolve("pages/features.json"))).at("/data/features").size())
                .isBetween(4, 8);
        Files.writeString(folder.resolve("texts.tsv"), "The cat slept under the tree.\nThe dog sat near it.\n");
        assertThat(run(features())).as("without labels: %s", err).isZero();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "2 | --top is at least 1, found 0 | --top 0",
        "2 | --feature | --top 1 --feature 2",
        "2 | Invalid value for option '--feature' | --feature 1,x",
        "1 | no feature 40, only 0 to 39, --feature | --feature 3,40",
        "1 | no feature -1 | --feature=-1",
        "1 | No such file or directory | --facts nowhere.json",
        "2 | Unknown option | --features 3",
    })
    void wrongFeaturesAreExplained(int code, String message, String args) throws IOException {
        assertFails(code, message, features(args.split(" ")));
        assertThat(folder.resolve("pages")).doesNotExist();
    }

    @Test
    void reportStillNamesWhatIsMissing() throws IOException {
        assertFails(2, "Missing required parameter: 'RESULT'", "report", "--output", file("r.html"));
        err.getBuffer().setLength(0);
        assertFails(2, "Missing required option: '--output=FILE'", "report", "result.json");
        err.getBuffer().setLength(0);
        assertFails(2, "Missing required option: '--model=DIR'", "report", "features", "--sae", sae.toString(), "--corpus", texts(),
                "--output", file("pages"));
        err.getBuffer().setLength(0);
        Files.writeString(folder.resolve("texts.tsv"), "The cat slept.\n");
        assertFails(1, "--top needs active features and at least two labels", features("--top", "1"));
        assertThat(run("report", "--help")).isZero();
        assertThat(out.toString()).contains("sae report features", "RESULT");
    }

    @Test
    void helpOfAnExperimentListsItsSettings() {
        assertThat(run("run", "neighborhood", "--help")).isZero();
        assertThat(out.toString()).contains("Settings, for --config").contains("default");
        assertThat(run("run", "causal-tracing", "--help")).isZero();
        assertThat(out.toString()).contains("edit.ridge (number, from 0) default 0.01", "added to the covariance's diagonal");
    }
}
