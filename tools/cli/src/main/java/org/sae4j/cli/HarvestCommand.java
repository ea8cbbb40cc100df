package org.sae4j.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CancellationException;
import org.sae4j.api.ElementType;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.core.activations.Contexts;
import org.sae4j.core.activations.RowNorms;
import org.sae4j.core.store.ActivationStore;
import org.sae4j.core.store.Harvest;
import org.sae4j.core.store.HarvestProgress;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Stores what a transformer computes over a corpus. */
@Command(name = "harvest", description = "Run a transformer over a corpus and store the activations of hook points, to train on.",
        mixinStandardHelpOptions = true, versionProvider = Version.class)
final class HarvestCommand implements Runnable, Needs {
    @Spec
    private CommandSpec spec;

    @Option(names = "--model", required = true, paramLabel = "DIR", description = "The transformer's folder, or a GGUF file.")
    private Path model;

    @Mixin
    private ProcessOption processOption;

    @Mixin
    private CorpusOptions corpus;

    @Option(names = "--hook", required = true, split = ",", paramLabel = "HOOK",
            description = "Hook points as in TransformerLens, such as blocks.0.mlp.hook_post; all are stored in one pass.")
    private List<String> hooks;

    @Option(names = "--dtype", paramLabel = "TYPE", defaultValue = "f32", converter = TypeOption.class,
            description = "How values are stored: f32, f16 or bf16. Default: ${DEFAULT-VALUE}.")
    private ElementType type;

    @Option(names = "--max-rows", paramLabel = "N", description = "Stop after so many activations. Default: the whole corpus.")
    private Long maxRows;

    @Option(names = "--shard-rows", paramLabel = "N", defaultValue = "0",
            description = "Activations in a file of the store. Default: as many as make 256 MiB.")
    private long shardRows;

    @Mixin
    private ResumeOption resumeOption;

    @Option(names = "--output", required = true, paramLabel = "DIR",
            description = "The store's folder; of several hook points, a folder with one store for each.")
    private Path output;

    @Mixin
    private EngineOption engineOption;

    HarvestCommand() {
    }

    /** The types that a store can have, by the names of the field. */
    static final class TypeOption implements ITypeConverter<ElementType> {
        TypeOption() {
        }

        @Override
        public ElementType convert(String value) {
            return switch (value.toLowerCase(Locale.ROOT)) {
                case "f32", "fp32", "float32" -> ElementType.F32;
                case "f16", "fp16", "float16" -> ElementType.F16;
                case "bf16", "bfloat16" -> ElementType.BF16;
                default -> throw new TypeConversionException("expected f32, f16 or bf16, found '" + value + "'");
            };
        }
    }

    @Override
    public List<String> missing() {
        return corpus.missing();
    }

    @Override
    public void run() {
        if (maxRows != null && maxRows < 1 || shardRows < 0) {
            throw new ParameterException(spec.commandLine(), "--max-rows and --shard-rows are at least 1, found "
                    + (shardRows < 0 ? shardRows : maxRows));
        }
        processOption.check();
        Paths.existing(model, "--model");
        Terminal terminal = new Terminal();
        try (Engine engine = engineOption.open(terminal);
                Transformer transformer = processOption.open(model, engine);
                Contexts contexts = corpus.open(transformer)) {
            Map<HookPoint, Path> stores = new LinkedHashMap<>();
            for (String name : hooks) {
                HookPoint hook = ActivationsCommand.hook(spec, name, transformer);
                stores.put(hook, hooks.size() == 1 ? output : output.resolve(hook.toString()));
            }
            terminal.say(CorpusOptions.describe(contexts));
            Harvest.Settings settings = new Harvest.Settings(stores, type, maxRows == null ? Long.MAX_VALUE : maxRows, shardRows);
            try {
                HarvestProgress done = Harvest.run(transformer, contexts, settings, resumeOption.existing(), terminal);
                terminal.say(String.format(Locale.ROOT, "read %,d tokens in %,d contexts", done.tokens(), done.contexts()));
            } catch (CancellationException e) {
                terminal.say("everything harvested so far is saved; continue with --resume");
                throw e;
            }
            for (Path folder : stores.values()) {
                try (ActivationStore store = ActivationStore.open(folder)) {
                    terminal.say(StoreCommand.describe(store));
                    terminal.say(String.format(Locale.ROOT, "%,d tokens of those that were read are not in it", store.harvested().tokens()
                            - store.rows()));
                    RowNorms norms = store.norms(terminal);
                    terminal.say(String.format(Locale.ROOT, "norms: median %.4g, 99.9%% at most %.4g, largest %.4g", norms.median(),
                            norms.quantile(0.999), norms.max()));
                }
            }
        }
    }
}
