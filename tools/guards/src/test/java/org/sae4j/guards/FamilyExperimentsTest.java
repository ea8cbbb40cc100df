package org.sae4j.guards;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.experiment.Fact;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.Engines;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.Transformers;
import org.sae4j.core.experiment.ExperimentRun;
import org.sae4j.core.format.TransformerFiles;
import org.sae4j.core.format.TransformerWeights;
import org.sae4j.testkit.SmallModels;

/** Every experiment on a small random model of every family: grouped heads, windows, gated MLPs, parallel blocks, norms behind outputs. */
class FamilyExperimentsTest {
    private static final Path FAMILIES = ModuleFolder.ROOT.resolve("sae-core/src/test/resources/org/sae4j/core/format/family");
    private static final List<Document> CORPUS = List.of(new Document("vowels", "ae io ua ei ou"), new Document("vowels", "oe ui ao ea iu"),
            new Document("consonants", "br st kl mn pr"), new Document("consonants", "tr kn sp fl gr"), new Document("vowels", "ia oa ue io"),
            new Document("consonants", "dr sk bl st"));

    static List<String> families() throws IOException {
        try (Stream<Path> folders = Files.list(FAMILIES)) {
            return folders.filter(Files::isDirectory).map(folder -> folder.getFileName().toString()).sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void everyExperimentRuns(String family) {
        try (Engine engine = Engines.open("cpu", new EngineOptions(Optional.empty(), 1, Map.of()));
                TransformerWeights weights = TransformerFiles.read(FAMILIES.resolve(family));
                Transformer model = Transformers.of(weights.description(), weights.parameters(),
                        Optional.of(new Letters(weights.config().dVocab())), engine)) {
            SaeConfig config = SaeConfig.builder(SaeConfig.Architecture.TOPK, model.config().dModel(), 40).k(4).hook(HookPoint.residPost(0)).build();
            try (SparseAutoencoder sae = SparseAutoencoders.of(config, SmallModels.parameters(config, 3), engine)) {
                ExperimentRun run = ExperimentRun.builder(model, engine).autoencoder(sae).corpus(CORPUS).facts(facts(model)).build();
                Map<String, Map<String, ?>> settings = Map.of("neighborhood", Map.of("umap", false, "resamples", 100),
                        "specificity", Map.of("resamples", 100), "ablation", Map.of("resamples", 100),
                        "random-walk", Map.of("text", "ae st", "walks", 2, "steps", 4),
                        "causal-tracing", Map.of("noiseRows", 1, "window", 1, "replacements", 0, "sweepTo", 0, "resamples", 100,
                                "edit", Map.of("facts", 1, "layers", List.of(0), "steps", 3, "heldOut", 0)));
                settings.forEach((id, values) -> {
                    ExperimentResult<?> result = run.run(id, values);
                    assertThat(result.metrics()).as("%s: metrics of %s", family, id).isNotEmpty();
                    assertThat(result.figures()).as("%s: figures of %s", family, id).isNotEmpty();
                    if (id.equals("causal-tracing")) {
                        // A norm behind W_out rules edits out, which a note says.
                        boolean normed = Stream.of("gemma2", "gemma3", "olmo2").anyMatch(family::startsWith);
                        assertThat(result.metrics().stream().anyMatch(m -> m.name().contains("edit"))).as("%s: edited", family).isEqualTo(!normed);
                        assertThat(result.notes().stream().anyMatch(note -> note.startsWith("Facts are not edited"))).isEqualTo(normed);
                    }
                });
            }
        }
    }

    /** Facts that the model knows: what it says on top after a prompt. */
    private static List<Fact> facts(Transformer model) {
        Tokenizer tokenizer = model.tokenizer().orElseThrow();
        List<Fact> facts = new ArrayList<>();
        for (String subject : List.of("red", "blue", "pink", "teal", "gray", "gold", "plum", "rust")) {
            String prompt = "so " + subject + " is";
            float[] logits = model.forward(new int[][] {tokenizer.encodeWithSpecialTokens(prompt).ids()}, ForwardPlan.logits()).logits().slice(0)
                    .row(tokenizer.encodeWithSpecialTokens(prompt).ids().length - 1);
            int top = IntStream.range(1, logits.length).reduce(1, (a, b) -> logits[b] > logits[a] ? b : a);
            facts.add(new Fact("color", prompt, subject, tokenizer.token(top)));
        }
        return facts;
    }

    /** Single characters, the beginning-of-sequence token first. */
    private record Letters(int vocabularySize) implements Tokenizer {
        private static final String KNOWN = " abcdefghijklmnopqrstuvwxyz0123456789";

        @Override
        public Encoding encode(String text) {
            int[] ids = text.chars().map(c -> Math.max(0, KNOWN.indexOf(c)) % (vocabularySize - 1) + 1).toArray();
            int[] starts = IntStream.range(0, ids.length).toArray();
            return new Encoding(ids, starts, IntStream.range(1, ids.length + 1).toArray());
        }

        @Override
        public String decode(int... ids) {
            return Arrays.stream(ids).mapToObj(this::token).collect(Collectors.joining());
        }

        @Override
        public String token(int id) {
            return id == 0 ? "<bos>" : KNOWN.substring(id - 1, id);
        }

        @Override
        public OptionalInt bos() {
            return OptionalInt.of(0);
        }
    }
}
