package org.sae4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sae4j.core.store.ActivationStore;
import org.sae4j.core.train.ActivationSource;
import org.sae4j.demoworld.DemoWorld;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** From a corpus to a store, and from a store to an autoencoder and its evaluation. */
class HarvestCommandTest {
    private static final String HOOK = "blocks.0.mlp.hook_post";

    @TempDir
    private static Path shared;
    private static Path gelu;

    @TempDir
    private Path folder;
    private final StringWriter err = new StringWriter();

    @BeforeAll
    static void prepare() {
        gelu = DemoWorld.extractModel(DemoWorld.GELU_1L, shared.resolve("gelu"));
    }

    private int run(String... args) {
        err.getBuffer().setLength(0);
        CommandLine commandLine = Main.commandLine();
        commandLine.setOut(new PrintWriter(new StringWriter(), true));
        commandLine.setErr(new PrintWriter(err, true));
        return commandLine.execute(args);
    }

    private String file(String name) {
        return folder.resolve(name).toString();
    }

    private String write(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text).toString();
    }

    private String[] harvest(String output, String... more) {
        List<String> all = new ArrayList<>(List.of("harvest", "--model", gelu.toString(), "--hook", HOOK, "--output", file(output)));
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    private float[] rows(String store) {
        try (ActivationStore open = ActivationStore.open(folder.resolve(store))) {
            ActivationSource source = open.all().sequential();
            float[] rows = new float[(int) open.rows() * source.width()];
            source.next(rows);
            return rows;
        }
    }

    @Test
    void everyKindOfCorpusGivesTheSameActivations() throws IOException {
        String tsv = write("c.tsv", "a\tThe cat sat.\nb\tLe chat dort\n");
        String jsonl = write("c.jsonl", "{\"body\":\"The cat sat.\"}\n{\"body\":\"Le chat dort\"}\n");
        String first = write("1.txt", "The cat sat.");
        String second = write("2.txt", "Le chat dort");
        assertThat(run(harvest("tsv", "--corpus", tsv))).as(err.toString()).isZero();
        assertThat(run(harvest("jsonl", "--jsonl", jsonl, "--field", "body"))).as(err.toString()).isZero();
        assertThat(run(harvest("text", "--text", first, second))).as(err.toString()).isZero();
        float[] rows = rows("tsv");
        assertThat(rows.length / 512).isGreaterThan(5);
        assertThat(rows("jsonl")).isEqualTo(rows);
        assertThat(rows("text")).isEqualTo(rows);
        assertThat(run(harvest("packed", "--corpus", tsv, "--pack", "packed", "--dtype", "bf16", "--keep-special"))).isZero();
        assertThat(rows("packed").length).isEqualTo(rows.length + 2 * 512);
        assertThat(run(harvest("few", "--corpus", tsv, "--max-rows", "3", "--shard-rows", "2"))).isZero();
        assertThat(rows("few")).isEqualTo(java.util.Arrays.copyOf(rows, 3 * 512));
        assertThat(run(harvest("tokens", "--tokens", write("t.txt", "0 5 6\n0 7\n")))).as(err.toString()).isZero();
        assertThat(rows("tokens")).hasSize(3 * 512);
    }

    @Test
    void aStoreIsTrainedAndEvaluatedOn() throws IOException {
        StringBuilder corpus = new StringBuilder();
        DemoWorld.trainingCorpus().stream().limit(60).forEach(d -> corpus.append("x\t").append(d.text().replaceAll("[\\\\\\s]+", " "))
                .append('\n'));
        String tsv = write("c.tsv", corpus.toString());
        assertThat(run("harvest", "--model", gelu.toString(), "--corpus", tsv, "--hook", HOOK + ",hook_embed", "--output", file("both")))
                .as(err.toString()).isZero();
        String store = file("both/" + HOOK);
        assertThat(run("store", "verify", store)).as(err.toString()).isZero();
        assertThat(run("store", "shuffle", store, "--seed", "3", "--output", file("copy"))).as(err.toString()).isZero();
        String[] settings = {"--steps", "4", "--batch", "8", "--set", "d_sae=32", "--set", "k=4"};
        for (String[] data : new String[][] {{"--activations", store}, {"--activations", store, "--order", "sequential"},
            {"--activations", file("copy")}, {"--model", gelu.toString(), "--corpus", tsv, "--hook", HOOK, "--buffer", "64"}}) {
            List<String> args = new ArrayList<>(List.of("train", "--recipe", "openai-topk", "--overwrite", "--output", file("sae")));
            args.addAll(List.of(settings));
            args.addAll(List.of(data));
            assertThat(run(args.toArray(String[]::new))).as("%s: %s", args, err).isZero();
            assertThat(Files.readString(folder.resolve("sae/cfg.json"))).contains(HOOK, "gelu-1l-demo");
        }
        evaluationAsTrainingGoesChangesNothing(store);
        recoveredCrossEntropyIsMeasuredAsTrainingGoes(store, tsv);
        assertThat(run("evaluate", "--sae", file("sae"), "--activations", store, "--output", file("e.json"))).as(err.toString()).isZero();
        JsonNode stored = JsonMapper.shared().readTree(Files.readString(folder.resolve("e.json")));
        assertThat(stored.path("schema").asString()).isEqualTo("sae4j/evaluation/1");
        assertThat(stored.path("density").size()).isEqualTo(32);
        assertThat(stored.path("l0").asDouble()).isLessThanOrEqualTo(4);
        assertThat(stored.at("/provenance/hook_name").asString()).isEqualTo(HOOK);
        assertThat(stored.has("ce_recovered")).isFalse();
        assertThat(run("evaluate", "--sae", file("sae"), "--activations", file("copy"), "--output", file("e.jsonl"))).isZero();
        assertThat(run("evaluate", "--sae", file("sae"), "--model", gelu.toString(), "--corpus", tsv, "--output", file("e.jsonl")))
                .as(err.toString()).isZero();
        List<String> lines = Files.readAllLines(folder.resolve("e.jsonl"));
        assertThat(lines).hasSize(2);
        JsonNode copied = JsonMapper.shared().readTree(lines.getFirst());
        assertThat(copied.path("density")).isEqualTo(stored.path("density"));
        assertThat(copied.path("mse").asDouble()).isCloseTo(stored.path("mse").asDouble(), org.assertj.core.api.Assertions.within(1e-9));
        assertThat(JsonMapper.shared().readTree(lines.getLast()).has("ce_recovered")).isTrue();
        Path shard = Path.of(store, "shard-00000.safetensors");
        byte[] bytes = Files.readAllBytes(shard);
        bytes[bytes.length - 1] ^= 1;
        Files.write(shard, bytes);
        assertFails(1, "SHA-256", "store", "verify", store);
        Files.write(shard, java.util.Arrays.copyOf(bytes, bytes.length - 4));
        assertFails(1, "shard-00000", "train", "--recipe", "openai-topk", "--activations", store, "--output", file("x"));
        assertThat(folder.resolve("x")).doesNotExist();
    }

    private JsonNode json(String name) throws IOException {
        return JsonMapper.shared().readTree(Files.readString(folder.resolve(name)));
    }

    private void train(String output, String... data) {
        List<String> args = new ArrayList<>(List.of("train", "--recipe", "openai-topk", "--steps", "4", "--batch", "8", "--set", "d_sae=32",
                "--set", "k=4", "--output", file(output)));
        args.addAll(List.of(data));
        assertThat(run(args.toArray(String[]::new))).as("%s: %s", args, err).isZero();
    }

    /** Heads are trained on together, and where activations come from is known from the tensor's name or said. */
    @Test
    void filesOfAnyOriginAreTrainedAndEvaluatedOn() throws IOException {
        String hook = "blocks.0.attn.hook_z";
        for (String part : List.of("1", "2")) {
            assertThat(run("activations", "--model", gelu.toString(), "--text", "The cat sat under the tree number " + part, "--hook",
                    hook + ",hook_embed", "--output", file("shards/" + part + ".safetensors"))).as(err.toString()).isZero();
        }
        train("z", "--activations", file("shards"), "--tensor", hook);
        assertThat(json("z/cfg.json").path("d_in").asInt()).isEqualTo(128);
        assertThat(json("z/cfg.json").at("/metadata/hook_name").asString()).isEqualTo(hook);
        assertThat(json("z/cfg.json").path("reshape_activations").asString()).isEqualTo("hook_z");
        assertThat(run("evaluate", "--sae", file("z"), "--activations", file("shards/1.safetensors"), file("shards/2.safetensors"),
                "--tensor", hook, "--output", file("z.json"))).as(err.toString()).isZero();
        assertThat(json("z.json").path("tokens").asInt()).isGreaterThan(10);
        assertThat(run("evaluate", "--sae", file("z"), "--model", gelu.toString(), "--corpus", write("c.tsv", "The cat sat."), "--output",
                file("z2.json"))).as(err.toString()).isZero();
        org.sae4j.core.format.SafetensorsWriter.write(folder.resolve("foreign.safetensors"), java.util.Map.of("acts",
                org.sae4j.api.Tensor.of(rowsWithOneLarge(), 40, 8)), java.util.Map.of());
        train("foreign", "--activations", file("foreign.safetensors"), "--tensor", "acts", "--hook", "blocks.3.hook_resid_post",
                "--model-name", "their-model");
        assertThat(json("foreign/cfg.json").at("/metadata/hook_name").asString()).isEqualTo("blocks.3.hook_resid_post");
        assertThat(Files.readString(folder.resolve("foreign/cfg.json"))).contains("their-model");
        assertThat(Files.readString(folder.resolve("foreign/README.md")))
                .contains("excluded 1 of 40 activations whose norm is more than 5 times the median");
        String[] evaluate = {"evaluate", "--sae", file("foreign"), "--activations", file("foreign.safetensors"), "--tensor", "acts",
            "--output", file("f.json")};
        assertThat(run(evaluate)).as(err.toString()).isZero();
        assertThat(json("f.json").path("tokens").asInt()).isEqualTo(39);
        assertThat(json("f.json").path("rows_beyond_norm_limit").asInt()).isEqualTo(1);
        double all = json("f.json").path("explained_variance_of_all_rows").asDouble();
        List<String> keep = new ArrayList<>(List.of(evaluate));
        keep.addAll(List.of("--max-norm", "inf", "--overwrite"));
        assertThat(run(keep.toArray(String[]::new))).as(err.toString()).isZero();
        assertThat(json("f.json").path("tokens").asInt()).isEqualTo(40);
        assertThat(json("f.json").path("explained_variance").asDouble()).isCloseTo(all, org.assertj.core.api.Assertions.within(1e-12));
        assertFails(1, "neither an activation store nor a safetensors file", "train", "--recipe", "paper", "--activations",
                Files.createDirectory(folder.resolve("empty")).toString(), "--output", file("x"));
        assertFails(1, "shards of activations", "evaluate", "--sae", file("z"), "--activations", file("empty"));
    }

    /** The same tokens count whatever is asked: BOS nowhere, and all tokens of a text that is longer than the context. */
    @Test
    void oneWayFromTextsToTokensThatCount() throws IOException {
        String mid = write("mid.tsv", "l\tThe cat slept.<|endoftext|>The dog ran.\n");
        String start = write("start.tsv", "l\t<|endoftext|>The cat slept.\n");
        String bare = write("bare.tsv", "l\tThe cat slept.\n");
        String bom = write("bom.txt", "\uFEFFThe cat slept.");
        String sentences = "The cat slept under the tree. ".repeat(60).strip();
        String longer = write("long.tsv", "l\t" + sentences + "\n");
        String jsonl = write("long.jsonl", "{\"text\":\"" + sentences + "\"}\n");
        train("one", "--model", gelu.toString(), "--corpus", bare, "--hook", HOOK, "--buffer", "8", "--max-rows", "5");
        double[] tokens = new double[5];
        String[][] data = {{"--corpus", mid}, {"--corpus", start}, {"--corpus", longer}, {"--jsonl", jsonl, "--context", "50"},
            {"--text", bom}};
        for (int i = 0; i < data.length; i++) {
            List<String> evaluate = new ArrayList<>(List.of("evaluate", "--sae", file("one"), "--model", gelu.toString(), "--output",
                    file("e" + i + ".json")));
            evaluate.addAll(List.of(data[i]));
            assertThat(run(evaluate.toArray(String[]::new))).as(err.toString()).isZero();
            tokens[i] = json("e" + i + ".json").path("tokens").asInt() + json("e" + i + ".json").path("rows_beyond_norm_limit").asInt();
            assertThat(json("e" + i + ".json").at("/saelens/ce_loss_score").isNumber()).isTrue();
            assertThat(run(harvest("h" + i, data[i]))).as(err.toString()).isZero();
            assertThat(rows("h" + i)).hasSize((int) tokens[i] * 512);
        }
        assertThat(rows("h1")).isEqualTo(rows("h4"));
        assertThat(tokens[2]).isEqualTo(tokens[3]).isGreaterThan(400);
        assertThat(run(harvest("packed", "--corpus", start, start, "--pack", "packed", "--keep-special"))).as(err.toString()).isZero();
        assertThat(rows("packed")).hasSize((int) (2 * tokens[1] + 2) * 512);
        assertThat(run("report", "features", "--model", gelu.toString(), "--sae", file("one"), "--corpus", longer, "--feature", "1",
                "--output", file("pages"))).as(err.toString()).isZero();
        assertThat(json("pages/features.json").at("/provenance/corpusTokens").asInt()).isEqualTo((int) tokens[2]);
        assertThat(json("pages/features.json").at("/provenance/corpusTokensLeftOut").asInt()).isPositive();
        assertFails(2, "--tokens are not texts", "report", "features", "--model", gelu.toString(), "--sae", file("one"), "--tokens", mid,
                "--output", file("pages"));
    }

    private static float[] rowsWithOneLarge() {
        float[] values = new float[40 * 8];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) Math.sin(i) * (i / 8 == 17 ? 1000 : 1);
        }
        return values;
    }

    private void evaluationAsTrainingGoesChangesNothing(String store) throws IOException {
        List<String> common = List.of("train", "--recipe", "openai-topk", "--activations", store, "--batch", "8", "--set", "d_sae=32",
                "--set", "k=4", "--steps", "6");
        List<String> plain = new ArrayList<>(common);
        plain.addAll(List.of("--output", file("plain")));
        assertThat(run(plain.toArray(String[]::new))).as(err.toString()).isZero();
        List<String> watched = new ArrayList<>(common);
        watched.addAll(List.of("--output", file("watched"), "--eval-activations", store, "--eval-every", "2", "--eval-rows", "50"));
        assertThat(run(watched.toArray(String[]::new))).as(err.toString()).isZero();
        assertThat(folder.resolve("watched/sae_weights.safetensors"))
                .hasSameBinaryContentAs(folder.resolve("plain/sae_weights.safetensors"));
        List<String> lines = Files.readAllLines(folder.resolve("watched/evaluation.jsonl"));
        assertThat(lines).hasSize(3);
        JsonNode last = JsonMapper.shared().readTree(lines.getLast());
        assertThat(last.path("step").asInt()).isEqualTo(6);
        assertThat(last.path("training_tokens").asInt()).isEqualTo(48);
        assertThat(last.path("tokens").asInt()).isEqualTo(50);
        assertThat(last.path("dead").asInt()).isBetween(0, 32);
        assertThat(run("report", "training", file("watched"), file("plain"), "--output", file("r.html"))).as(err.toString()).isZero();
        assertThat(Files.readString(folder.resolve("r.html"))).contains("watched: after step 6 (48 tokens)", "plain: after step 6",
                "On held-out activations", "How often features fire at the end");
        assertFails(1, "No such file", "report", "training", store, "--output", file("s.html"));
        assertFails(2, "--eval-every", "train", "--recipe", "openai-topk", "--activations", store, "--eval-activations", store,
                "--eval-every", "0", "--output", file("y"));
    }

    /** On stored activations with the model beside them, and on those of a model; both times training is what it was without. */
    private void recoveredCrossEntropyIsMeasuredAsTrainingGoes(String store, String tsv) throws IOException {
        List<String> common = List.of("train", "--recipe", "openai-topk", "--batch", "8", "--set", "d_sae=32", "--set", "k=4", "--steps", "6",
                "--eval-corpus", tsv, "--eval-every", "3", "--eval-rows", "60");
        List<String> stored = new ArrayList<>(common);
        stored.addAll(List.of("--activations", store, "--eval-model", gelu.toString(), "--output", file("within")));
        assertThat(run(stored.toArray(String[]::new))).as(err.toString()).isZero();
        assertThat(folder.resolve("within/sae_weights.safetensors"))
                .hasSameBinaryContentAs(folder.resolve("plain/sae_weights.safetensors"));
        List<String> streamed = new ArrayList<>(common);
        streamed.addAll(List.of("--model", gelu.toString(), "--corpus", tsv, "--hook", HOOK, "--buffer", "64", "--output", file("streamed")));
        assertThat(run(streamed.toArray(String[]::new))).as(err.toString()).isZero();
        for (String trained : List.of("within", "streamed")) {
            List<String> lines = Files.readAllLines(folder.resolve(trained + "/evaluation.jsonl"));
            assertThat(lines).hasSize(2);
            JsonNode last = JsonMapper.shared().readTree(lines.getLast());
            assertThat(last.path("ce_zero").asDouble()).isGreaterThan(last.path("ce_clean").asDouble());
            assertThat(last.path("ce_recovered").isNumber()).isTrue();
            assertThat(run("evaluate", "--sae", file(trained), "--model", gelu.toString(), "--corpus", tsv, "--max-rows", "60", "--overwrite",
                    "--output", file("w.json"))).as(err.toString()).isZero();
            assertThat(JsonMapper.shared().readTree(Files.readString(folder.resolve("w.json"))).path("ce_recovered").asDouble())
                    .isEqualTo(last.path("ce_recovered").asDouble());
        }
        assertThat(run("report", "training", file("within"), "--output", file("w.html"))).as(err.toString()).isZero();
        assertThat(Files.readString(folder.resolve("w.html"))).contains("Recovered cross-entropy", "of the cross-entropy that zeros cost");
        List<String> none = List.of("train", "--recipe", "openai-topk", "--activations", store, "--output", file("y"));
        assertFails(2, "Missing required option: '--eval-model=DIR'", with(none, "--eval-corpus", tsv));
        assertFails(2, "--eval-model needs", with(none, "--eval-model", gelu.toString()));
        assertFails(2, "mutually exclusive", with(none, "--eval-corpus", tsv, "--eval-activations", store));
        assertFails(1, "such file", with(none, "--eval-corpus", file("nowhere.tsv"), "--eval-model", gelu.toString()));
    }

    private static String[] with(List<String> arguments, String... more) {
        List<String> all = new ArrayList<>(arguments);
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    private void assertFails(int code, String message, String... args) {
        assertThat(run(args)).as("exit code, with error %s", err).isEqualTo(code);
        assertThat(err.toString().strip()).startsWith("error: ").contains(message).doesNotContain("\n").doesNotContain("\tat ");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "2 | Missing required option: '--corpus=FILE' | --max-rows 3",
        "2 | expected f32, f16 or bf16, found 'f8' | --corpus c.tsv --dtype f8",
        "2 | --max-rows and --shard-rows are at least 1, found 0 | --corpus c.tsv --max-rows 0",
        "2 | mutually exclusive | --corpus c.tsv --text c.tsv",
        "1 | No such file or directory | --corpus nowhere.tsv",
        "1 | --context is 4096, but the model's context is | --corpus c.tsv --context 4096",
        "2 | mutually exclusive | --corpus c.tsv --resume --overwrite",
        "1 | the line is not JSON | --jsonl c.tsv",
        "1 | expected a token id, found 'a' | --tokens c.tsv",
    })
    void whatCannotBeHarvestedIsExplained(int code, String message, String args) throws IOException {
        String tsv = write("c.tsv", "a\tThe cat sat.\n");
        assertFails(code, message, harvest("s", args.replace("c.tsv", tsv).split(" ")));
    }

    @Test
    void processedWeightsAreHarvestedAndTrainedOn() throws IOException {
        String tsv = write("c.tsv", "a\tThe cat sat under the tree.\n");
        // LayerNorm's scale and bias are folded into W_in and b_in, so what comes after the activation function stays.
        assertThat(run(harvest("raw", "--corpus", tsv))).as(err.toString()).isZero();
        assertThat(run(harvest("processed", "--corpus", tsv, "--process", "all"))).as(err.toString()).isZero();
        float[] raw = rows("raw");
        float[] processed = rows("processed");
        assertThat(processed).hasSameSizeAs(raw).isNotEqualTo(raw);
        for (int i = 0; i < raw.length; i++) {
            assertThat(processed[i]).isCloseTo(raw[i], org.assertj.core.api.Assertions.within(1e-4f));
        }
        try (ActivationStore store = ActivationStore.open(folder.resolve("processed"))) {
            assertThat(store.info().modelName()).contains(
                    "gelu-1l-demo + fold_ln + center_writing_weights + center_unembed + fold_value_biases");
        }
        String[] training = {"train", "--recipe", "openai-topk", "--steps", "2", "--batch", "4", "--set", "d_sae=32", "--set", "k=4",
            "--model", gelu.toString(), "--corpus", tsv, "--hook", HOOK, "--buffer", "8", "--process", "fold_ln", "--output", file("sae")};
        assertThat(run(training)).as(err.toString()).isZero();
        JsonNode metadata = json("sae/cfg.json").path("metadata");
        assertThat(metadata.path("model_name").asString()).isEqualTo("gelu-1l-demo");
        assertThat(metadata.at("/model_from_pretrained_kwargs/fold_ln").asBoolean()).isTrue();
        assertThat(metadata.at("/model_from_pretrained_kwargs/center_unembed").asBoolean(true)).isFalse();
        assertFails(2, "--process has [fold_lm]", harvest("x", "--corpus", tsv, "--process", "fold_lm"));
        assertFails(2, "--process and a corpus have no effect", "train", "--recipe", "paper", "--activations", file("raw"),
                "--process", "all", "--output", file("x"));
    }

    @Test
    void whatStandsInTheWayIsNamed() throws IOException {
        String tsv = write("c.tsv", "a\tThe cat sat.\n");
        assertThat(run(harvest("s", "--corpus", tsv))).as(err.toString()).isZero();
        assertFails(1, "already has an activation store", harvest("s", "--corpus", tsv));
        assertFails(1, "the harvest is complete", harvest("s", "--corpus", tsv, "--resume"));
        assertFails(1, "cannot be written", harvest("c.tsv/inside", "--corpus", tsv));
        assertFails(2, "--model, --process and a corpus have no effect", "train", "--recipe", "paper", "--activations", file("s"),
                "--corpus", tsv, "--output", file("x"));
        assertFails(1, "the store's hook point is " + HOOK + ", not hook_embed", "train", "--recipe", "paper", "--activations", file("s"),
                "--hook", "hook_embed", "--output", file("x"));
        assertFails(2, "--max-norm is more than 0", "train", "--recipe", "paper", "--activations", file("s"), "--max-norm", "0", "--output",
                file("x"));
        assertFails(2, "Missing required option: '--hook=HOOK'", "train", "--recipe", "paper", "--model", gelu.toString(), "--corpus", tsv,
                "--output", file("x"));
        assertFails(2, "a command is missing", "store");
    }
}
