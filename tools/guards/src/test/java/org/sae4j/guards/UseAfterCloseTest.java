package org.sae4j.guards;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.ElementType;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Tokenization;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.Engines;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.Transformers;
import org.sae4j.core.activations.Contexts;
import org.sae4j.core.activations.Corpus;
import org.sae4j.core.activations.StreamedActivations;
import org.sae4j.core.activations.TextContexts;
import org.sae4j.core.activations.TokenContexts;
import org.sae4j.core.format.SaeFiles;
import org.sae4j.core.format.SaeWeights;
import org.sae4j.core.format.SafetensorsFile;
import org.sae4j.core.format.TokenizerFiles;
import org.sae4j.core.format.TransformerFiles;
import org.sae4j.core.format.TransformerWeights;
import org.sae4j.core.hub.HubClient;
import org.sae4j.core.hub.HubReference;
import org.sae4j.core.hub.HubSettings;
import org.sae4j.core.output.Existing;
import org.sae4j.core.output.OutputFolder;
import org.sae4j.core.output.OutputKind;
import org.sae4j.core.store.ActivationStore;
import org.sae4j.core.store.ActivationStoreWriter;
import org.sae4j.core.store.HarvestProgress;
import org.sae4j.core.store.StoreInfo;
import org.sae4j.core.train.ActivationSource;
import org.sae4j.core.train.MetricsFile;
import org.sae4j.core.train.Recipe;
import org.sae4j.core.train.Recipes;
import org.sae4j.core.train.Trainer;
import org.sae4j.core.train.TrainingMetrics;
import org.sae4j.core.train.TrainingRun;
import org.sae4j.report.TensorBoardFile;
import org.sae4j.serve.RequestDeadline;
import org.sae4j.serve.SaeServer;

/** Whatever can be closed says so when it is used afterwards, and may be closed twice. A new public type that can be closed is missed here. */
class UseAfterCloseTest {
    @TempDir
    private static Path folder;
    private static DemoFolders demo;
    private static Engine engine;

    /** Something open, and the uses of it that must be refused once it is closed. */
    private record Subject(AutoCloseable resource, List<ThrowingCallable> uses) {
        static Subject of(AutoCloseable resource, ThrowingCallable... uses) {
            return new Subject(resource, List.of(uses));
        }
    }

    /** Opens one of each type. */
    private interface Opening {
        Subject open() throws IOException;
    }

    private static final Map<Class<?>, Opening> SUBJECTS = new LinkedHashMap<>();

    static {
        SUBJECTS.put(Engine.class, () -> {
            Engine other = Engines.open("cpu", EngineOptions.DEFAULT);
            return Subject.of(other, () -> other.compile(copy(), Map.of()));
        });
        SUBJECTS.put(CompiledProgram.class, () -> {
            CompiledProgram compiled = engine.compile(copy(), Map.of());
            return Subject.of(compiled, compiled::run, compiled::program, () -> compiled.read(copy().buffer("out")));
        });
        SUBJECTS.put(Transformer.class, () -> {
            Transformer model = Transformers.open(demo.model(), engine);
            Map<String, Tensor> parameters = model.parameters();
            return Subject.of(model, () -> model.forward(new int[][] {{0, 1}}, ForwardPlan.logits()), () -> model.with(Map.of()),
                    () -> parameters.get("embed.W_E").get(0));
        });
        SUBJECTS.put(SaeServer.class, () -> {
            RequestDeadline.PROPERTIES.forEach(System.getProperties()::putIfAbsent);
            Transformer model = Transformers.open(demo.model(), engine);
            SparseAutoencoder sae = SparseAutoencoders.open(demo.autoencoder(), engine);
            SaeServer server = SaeServer.builder(model).autoencoder("demo", sae).labels(folder.resolve("labels.jsonl")).start();
            return Subject.of(() -> {
                server.close();
                sae.close();
                model.close();
            }, server::awaitCorpus);
        });
        SUBJECTS.put(TensorBoardFile.class, () -> {
            TensorBoardFile events = new TensorBoardFile(folder.resolve("events"), 0);
            return Subject.of(events, () -> events.scalars(1, Map.of("loss", 1.0)));
        });
        SUBJECTS.put(SparseAutoencoder.class, () -> {
            SparseAutoencoder sae = SparseAutoencoders.open(demo.autoencoder(), engine);
            Tensor x = Tensor.zeros(1, 512);
            return Subject.of(sae, () -> sae.encode(x), () -> sae.reconstruct(x), () -> sae.parameters().get("b_dec").get(0));
        });
        SUBJECTS.put(TransformerWeights.class, () -> {
            TransformerWeights weights = TransformerFiles.read(demo.model());
            return Subject.of(weights, () -> weights.parameters().get("embed.W_E").get(0));
        });
        SUBJECTS.put(SaeWeights.class, () -> {
            SaeWeights weights = SaeFiles.read(demo.autoencoder());
            return Subject.of(weights, () -> weights.parameters().get("W_enc").get(0));
        });
        SUBJECTS.put(SafetensorsFile.class, () -> {
            SafetensorsFile file = SafetensorsFile.open(demo.autoencoder().resolve("sae_weights.safetensors"));
            return Subject.of(file, () -> file.tensor("W_enc"));
        });
        SUBJECTS.put(OutputFolder.class, () -> {
            OutputFolder target = OutputFolder.open(folder.resolve("output"), OutputKind.of("a test"), Existing.OVERWRITE);
            return Subject.of(target, target::begin);
        });
        SUBJECTS.put(ActivationStoreWriter.class, () -> {
            ActivationStoreWriter writer = ActivationStoreWriter.create(folder.resolve("written"), info());
            return Subject.of(writer, () -> writer.append(new float[2], 0, 1), () -> writer.commit(new HarvestProgress(1, 1, "x")));
        });
        SUBJECTS.put(ActivationStore.class, () -> {
            try (ActivationStoreWriter writer = ActivationStoreWriter.create(folder.resolve("store"), info())) {
                writer.append(new float[8], 0, 4);
                writer.complete(new HarvestProgress(1, 4, "x"));
            }
            ActivationStore store = ActivationStore.open(folder.resolve("store"));
            ActivationSource source = store.all().sequential();
            return Subject.of(store, () -> source.next(new float[2]), () -> store.verify(Progress.NONE));
        });
        SUBJECTS.put(Trainer.class, () -> {
            Trainer trainer = Trainer.builder(engine, recipe(), rows()).build();
            return Subject.of(trainer, trainer::step, trainer::result, () -> trainer.run(Progress.NONE),
                    () -> trainer.checkpoint(folder.resolve("c.safetensors")));
        });
        SUBJECTS.put(TrainingRun.class, () -> {
            TrainingRun run = TrainingRun.builder(engine, recipe(), rows()).rows(4).output(folder.resolve("run"), Existing.OVERWRITE)
                    .build();
            return Subject.of(run, () -> run.run(Progress.NONE));
        });
        SUBJECTS.put(MetricsFile.class, () -> {
            MetricsFile file = new MetricsFile(folder.resolve("metrics.jsonl"), 0);
            return Subject.of(file, () -> file.accept(new TrainingMetrics(1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)));
        });
        SUBJECTS.put(Corpus.class, () -> {
            Corpus corpus = Corpus.text(List.of(Files.writeString(folder.resolve("text.txt"), "The cat slept.")));
            return Subject.of(corpus, corpus::next);
        });
        SUBJECTS.put(TextContexts.class, () -> {
            Contexts contexts = new TextContexts(Corpus.text(List.of(Files.writeString(folder.resolve("text.txt"), "The cat slept."))),
                    Tokenization.of(TokenizerFiles.read(demo.model()), 2).withoutBos());
            contexts.next();
            return Subject.of(contexts, contexts::next);
        });
        SUBJECTS.put(TokenContexts.class, () -> {
            Contexts contexts = new TokenContexts(List.of(Files.writeString(folder.resolve("ids.txt"), "1 2\n3 4\n")), Set.of());
            contexts.next();
            return Subject.of(contexts, contexts::next);
        });
        SUBJECTS.put(StreamedActivations.class, () -> {
            Transformer transformer = Transformers.open(demo.model(), engine);
            StreamedActivations activations = new StreamedActivations(transformer, List.of(HookPoint.mlpPost(0)),
                    () -> Contexts.of(transformer.tokenization().contexts("The cat slept.")), 10);
            return Subject.of(activations, () -> activations.load(new long[1], Progress.NONE, (number, activation) -> { }));
        });
        SUBJECTS.put(HubClient.class, () -> {
            HubClient client = new HubClient(HubSettings.fromEnvironment().withCache(folder.resolve("hub")).withOffline(true));
            return Subject.of(client, () -> client.fetch(HubReference.parse("hf:a/b"), List.of(), Progress.NONE));
        });
    }

    private static Program copy() {
        Program.Builder builder = Program.builder("sum");
        Buffer x = builder.input("x", 2, 2);
        builder.add(new Op.Add(x, x, 1, builder.output("out", 2, 2)));
        return builder.build();
    }

    private static Recipe recipe() {
        return Recipes.OPENAI_TOPK.with(Map.of("d_sae", "8", "k", "2", "batch", "2", "steps", "2"));
    }

    private static ActivationSource rows() {
        return ActivationSource.shuffled(Tensor.of(new float[] {1, 2, 3, 4, 5, 6, 7, 8}, 4, 2), 1);
    }

    private static StoreInfo info() {
        return new StoreInfo(Optional.of(HookPoint.mlpPost(0)), Optional.of("small"), "abc", ElementType.F32, 2, 2, Map.of());
    }

    @BeforeAll
    static void open() {
        demo = DemoFolders.writeTo(folder);
        engine = Engines.open("cpu", EngineOptions.DEFAULT);
    }

    @AfterAll
    static void close() {
        engine.close();
    }

    @Test
    void everyPublicTypeThatCanBeClosedIsTried() {
        List<String> found = ModuleFolder.libraries().stream().flatMap(module -> module.javaClasses().stream()
                .filter(t -> t.getModifiers().contains(JavaModifier.PUBLIC) && module.exports(t.getPackageName())
                        && t.isAssignableTo(AutoCloseable.class))
                // Both kinds of contexts are tried.
                .filter(t -> !t.isEquivalentTo(Contexts.class))
                .filter(t -> SUBJECTS.keySet().stream().noneMatch(known -> known.isInterface() && t.isAssignableTo(known)
                        && !t.isEquivalentTo(known))))
                .map(JavaClass::getName).toList();
        assertThat(found).containsExactlyInAnyOrderElementsOf(SUBJECTS.keySet().stream().map(Class::getName).toList());
    }

    @TestFactory
    Stream<DynamicTest> itSaysThatItIsClosed() {
        return SUBJECTS.entrySet().stream().map(entry -> DynamicTest.dynamicTest(entry.getKey().getSimpleName(), () -> {
            Subject subject = entry.getValue().open();
            subject.resource().close();
            subject.resource().close();
            for (ThrowingCallable use : subject.uses()) {
                assertThatThrownBy(use).isInstanceOf(IllegalStateException.class)
                        .hasMessageMatching("(?is).*(closed|already).*");
            }
        }));
    }
}
