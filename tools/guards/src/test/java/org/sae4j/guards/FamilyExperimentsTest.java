package org.sae4j.guards;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.experiment.Fact;
import org.sae4j.api.experiment.Metric;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.Engines;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.Transformers;
import org.sae4j.core.experiment.ConfigBinder;
import org.sae4j.core.experiment.ExperimentRun;
import org.sae4j.core.experiment.Experiments;
import org.sae4j.core.format.TransformerFiles;
import org.sae4j.core.format.TransformerWeights;
import org.sae4j.testkit.SmallModels;

/** Every installed experiment runs to its end on a small random model of every family: those that {@code make_family_golden.py} made. */
class FamilyExperimentsTest {
    private static final Path MODELS = Path.of("../../sae-core/src/test/resources/org/sae4j/core/format/family");
    private static final Pattern MODEL_TYPE = Pattern.compile("\"model_type\": *\"(\\w+)\"");
    /** Where a norm lies behind W_out, an edit of it does not set the MLP's output. */
    private static final List<String> NOT_EDITED = List.of("gemma2", "gemma3", "olmo2");
    private static final String TRACING = "causal-tracing";

    /** The beginning-of-sequence token, the letters, a space, and the digits to 8: the 37 ids of these models. Anything else is an a. */
    private record Letters() implements Tokenizer {
        private static final String ALL = "\u0000abcdefghijklmnopqrstuvwxyz 012345678";

        @Override
        public Encoding encode(String text) {
            int[] ids = text.toLowerCase(Locale.ROOT).chars().map(c -> Math.max(1, ALL.indexOf(c))).toArray();
            int[] starts = new int[ids.length];
            Arrays.setAll(starts, i -> i);
            return new Encoding(ids, starts, Arrays.stream(starts).map(i -> i + 1).toArray());
        }

        @Override
        public String decode(int... ids) {
            return String.join("", Arrays.stream(ids).mapToObj(this::token).toList());
        }

        @Override
        public String token(int id) {
            return id == 0 ? "<bos>" : ALL.substring(id, id + 1);
        }

        @Override
        public int vocabularySize() {
            return ALL.length();
        }

        @Override
        public OptionalInt bos() {
            return OptionalInt.of(0);
        }
    }

    private static Engine engine;

    @BeforeAll
    static void open() {
        engine = Engines.open("cpu", new EngineOptions(Optional.empty(), 1, Map.of()));
    }

    @AfterAll
    static void close() {
        engine.close();
    }

    @TestFactory
    Stream<DynamicTest> everyExperimentRunsOnEveryFamily() throws IOException {
        List<Path> folders;
        try (Stream<Path> files = Files.list(MODELS)) {
            Map<String, Path> first = new TreeMap<>();
            for (Path folder : files.filter(Files::isDirectory).sorted().toList()) {
                Matcher type = MODEL_TYPE.matcher(Files.readString(folder.resolve("config.json")));
                assertThat(type.find()).as(folder.toString()).isTrue();
                first.putIfAbsent(type.group(1), folder);
            }
            folders = List.copyOf(first.values());
        }
        assertThat(folders).hasSizeGreaterThan(12);
        return folders.stream().flatMap(folder -> Experiments.installed().all().stream()
                .map(experiment -> DynamicTest.dynamicTest(folder.getFileName() + ", " + experiment.id(), () -> run(folder, experiment))));
    }

    private static <C extends Record, R extends Record> void run(Path folder, Experiment<C, R> experiment) {
        C config = ConfigBinder.bind(experiment.defaults(), ExperimentConformanceTest.SHORT.get(experiment.id()), "test");
        List<Document> corpus = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            corpus.add(new Document("digits", "12" + i + "345678" + i));
            corpus.add(new Document("letters", "abc" + (char) ('d' + i) + "efgh word"));
        }
        List<Fact> facts = List.of(new Fact("r", "the a is", "a", " b"), new Fact("r", "the c is", "c", " d"),
                new Fact("r", "the e is", "e", " f"), new Fact("r", "the g is", "g", " h"));
        try (TransformerWeights weights = TransformerFiles.read(folder);
                Transformer model = Transformers.of(weights.description(), weights.parameters(), Optional.of(new Letters()), engine);
                SparseAutoencoder sae = autoencoder(model, 48); SparseAutoencoder smaller = autoencoder(model, 20)) {
            ExperimentResult<R> result = experiment.run(config,
                    ExperimentRun.builder(model, engine).autoencoder(sae).autoencoder(smaller).corpus(corpus).facts(facts).seed(4).build());
            assertThat(result.findings()).isNotEmpty();
            assertThat(result.metrics()).isNotEmpty().allSatisfy(metric -> assertThat(metric.value()).as(metric.name()).isFinite());
            if (experiment.id().equals(TRACING)) {
                boolean edited = result.metrics().stream().map(Metric::name).anyMatch(name -> name.contains("edit"));
                assertThat(edited).isEqualTo(!NOT_EDITED.contains(folder.getFileName().toString()));
                assertThat(result.notes().stream().anyMatch(note -> note.startsWith("Facts are not edited"))).isEqualTo(!edited);
            }
        }
    }

    private static SparseAutoencoder autoencoder(Transformer model, int features) {
        SaeConfig config = SaeConfig.builder(SaeConfig.Architecture.TOPK, model.config().dMlp(), features).k(5).hook(HookPoint.mlpPost(0))
                .build();
        return SparseAutoencoders.of(config, SmallModels.parameters(config, 9), engine);
    }
}
