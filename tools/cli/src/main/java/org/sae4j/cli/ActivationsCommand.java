package org.sae4j.cli;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.Context;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Tokenization;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.experiment.DataFiles;
import org.sae4j.core.format.SafetensorsWriter;
import org.sae4j.core.output.FileForm;
import org.sae4j.core.output.OutputFile;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Writes what a transformer computes at some hook points. */
@Command(name = "activations", description = "Run a transformer and write the values at hook points, one tensor each: [batch, position, "
        + "...].",
        mixinStandardHelpOptions = true, versionProvider = Version.class)
final class ActivationsCommand implements Runnable {
    /** The key of the transformer's name in the metadata of the file that is written. */
    static final String MODEL = "model";

    @Spec
    private CommandSpec spec;

    @Option(names = "--model", required = true, paramLabel = "DIR", description = "The transformer's folder, or a GGUF file.")
    private Path model;

    @ArgGroup(multiplicity = "1")
    private Source source;

    @Option(names = "--no-bos", description = "Do not put the beginning-of-sequence token before a text.")
    private boolean noBos;

    @Option(names = "--hook", required = true, split = ",", paramLabel = "HOOK",
            description = "Hook points as in TransformerLens, such as blocks.0.mlp.hook_post,logits.")
    private List<String> hooks;

    @Option(names = "--output", required = true, paramLabel = "FILE", description = "The safetensors file to write.")
    private Path output;

    @Mixin
    private OverwriteOption overwriteOption;

    @Mixin
    private ProcessOption processOption;

    @Mixin
    private EngineOption engineOption;

    /** Where tokens come from. */
    static final class Source {
        @Option(names = "--tokens", paramLabel = "IDS", description = "Token ids: rows separated by ';', ids by ','.")
        private String tokens;

        @Option(names = "--text", paramLabel = "TEXT", description = "A text; the beginning-of-sequence token is put before it.")
        private String text;

        @Option(names = "--file", paramLabel = "FILE", description = "A file with one text, in UTF-8.")
        private Path file;

        Source() {
        }
    }

    ActivationsCommand() {
    }

    @Override
    public void run() {
        int[][] given = source.tokens == null ? null : TokenRows.parse(source.tokens, spec);
        String text = given != null ? null : source.text != null ? source.text : DataFiles.text(Paths.existing(source.file, "--file"));
        processOption.check();
        Paths.existing(model, "--model");
        OutputFile.check(output, FileForm.SAFETENSORS, overwriteOption.existing(), source.file, model);
        Terminal terminal = new Terminal();
        try (Engine engine = engineOption.open(terminal); Transformer transformer = given != null
                ? processOption.openWithoutTokenizer(model, engine) : processOption.open(model, engine)) {
            TransformerConfig config = transformer.config();
            HookPoint[] points = hooks.stream().map(name -> hook(spec, name, transformer)).toArray(HookPoint[]::new);
            int[][] tokens = given != null ? given : new int[][] {encode(Objects.requireNonNull(text), transformer)};
            TokenRows.check(tokens, config);
            Activations activations = transformer.forward(tokens, ForwardPlan.capture(points));
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            for (HookPoint point : points) {
                tensors.put(point.toString(), activations.get(point));
            }
            SafetensorsWriter.write(output, tensors, Map.of(MODEL, config.name()));
            terminal.say("wrote " + tensors.size() + (tensors.size() == 1 ? " tensor" : " tensors") + " of " + tokens.length + " x "
                    + tokens[0].length + " tokens to " + output);
        }
    }

    private int[] encode(String text, Transformer transformer) {
        if (text.isEmpty()) {
            throw new Sae4jException("the text is empty", source.text != null ? "--text" : source.file.toString(),
                    "pass at least one character, or --tokens");
        }
        Tokenization tokenization = noBos ? transformer.tokenization().withoutBos() : transformer.tokenization();
        List<Context> contexts = tokenization.contexts(text);
        if (contexts.size() > 1) {
            throw new Sae4jException(contexts.stream().mapToInt(Context::size).sum() + " tokens are longer than the context of "
                    + transformer.config().nCtx(), transformer.config().name(), "shorten the text, or harvest it");
        }
        return contexts.getFirst().tokens();
    }

    /** The hook point of a name, which is wrong usage if the model has none of it. */
    static HookPoint hook(CommandSpec spec, String name, Transformer model) {
        List<HookPoint> known = model.hookPoints();
        return HookPoint.parse(name.strip()).filter(known::contains)
                .orElseThrow(() -> new ParameterException(spec.commandLine(), "unknown hook point '" + name.strip() + "', "
                        + model.config().name() + " with " + model.config().nLayers() + " layers, use one of "
                        + known.stream().map(hook -> hook.layer() < 0 ? hook.toString() : "blocks.N." + hook.site()).distinct().toList()));
    }
}
