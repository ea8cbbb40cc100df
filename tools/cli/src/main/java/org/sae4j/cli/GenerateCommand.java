package org.sae4j.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.format.EndTokens;
import org.sae4j.core.generate.Generator;
import org.sae4j.core.generate.Sampling;
import org.sae4j.core.generate.Steering;
import org.sae4j.core.generate.StopTexts;
import org.sae4j.core.internal.json.JsonWriter;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Continues a text. */
@Command(name = "generate", description = "Continue a text or tokens, optionally with features changed. Without a temperature, the "
        + "most likely token is taken each time.",
        mixinStandardHelpOptions = true, versionProvider = Version.class)
final class GenerateCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Option(names = "--model", required = true, paramLabel = "PATH", description = "The model's folder or GGUF file.")
    private Path model;

    @ArgGroup(multiplicity = "1")
    private Source source;

    /** What is continued. */
    static final class Source {
        @Option(names = "--text", paramLabel = "TEXT", description = "A text; the tokenizer adds the tokens that it adds to every text.")
        private String text;

        @Option(names = "--tokens", paramLabel = "IDS", description = "Token ids such as 1,2,3.")
        private String tokens;

        Source() {
        }
    }

    @Option(names = "--max-new-tokens", required = true, paramLabel = "N", description = "Most new tokens.")
    private int count;

    @Option(names = "--temperature", paramLabel = "X", defaultValue = "0",
            description = "Divides logits before a token is drawn; 0 takes the most likely. Default: ${DEFAULT-VALUE}.")
    private double temperature;

    @Option(names = "--top-k", paramLabel = "K", defaultValue = "0", description = "Draw only from the K most likely tokens; 0 for all.")
    private int topK;

    @Option(names = "--top-p", paramLabel = "P", defaultValue = "1",
            description = "Draw only from the most likely tokens with total probability P. Default: ${DEFAULT-VALUE}.")
    private double topP;

    @Option(names = "--repetition-penalty", paramLabel = "X", description = "Makes tokens that were there before less likely if above 1. "
            + "Default: that of the model's generation_config.json, else 1.")
    private @Nullable Double repetitionPenalty;

    @Option(names = "--stop", paramLabel = "TEXT", description = "Stop where TEXT comes about; the printed text ends before it. Repeat for more.")
    private @Nullable List<String> stops;

    @Mixin
    private ChatOptions chat;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "0", description = "Seed of the draws. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Option(names = "--sae", paramLabel = "PATH", description = "The autoencoder whose features are changed.")
    private Path sae;

    @Option(names = "--steer", split = ",", paramLabel = "FEATURE=VALUE",
            description = "Add VALUE times the decoder direction of FEATURE at every position.")
    private Map<Integer, Double> steer;

    @Option(names = "--clamp", split = ",", paramLabel = "FEATURE=VALUE",
            description = "Set the activation of FEATURE to VALUE at every position; what the autoencoder misses stays.")
    private Map<Integer, Double> clamp;

    @Option(names = "--compare", description = "Also continue without changed features.")
    private boolean compare;

    @Option(names = "--json", description = "Print one JSON object with \"tokens\" and \"text\".")
    private boolean json;

    @Mixin
    private ProcessOption processOption;

    @Mixin
    private EngineOption engineOption;

    GenerateCommand() {
    }

    @Override
    public void run() {
        Paths.existing(model, "--model");
        Sampling sampling = check();
        processOption.check();
        Terminal.keepOutputForData(json);
        Terminal terminal = new Terminal();
        try (Engine engine = engineOption.open(terminal); Transformer transformer = processOption.openWhole(model, engine)) {
            int[] prompt = prompt(transformer);
            Generator free = new Generator(transformer).with(sampling).until(EndTokens.of(model));
            Generator plain = stopTexts(transformer).map(free::until).orElse(free);
            if (sae == null) {
                print(transformer, plain.generate(prompt, count), Optional.empty());
                return;
            }
            try (SparseAutoencoder autoencoder = SparseAutoencoders.open(Paths.existing(sae, "--sae"), engine)) {
                Steering steering = new Steering(autoencoder, steer != null ? Steering.Mode.ADD : Steering.Mode.CLAMP,
                        steer != null ? steer : new TreeMap<>(clamp));
                int[] moved = plain.with(steering).generate(prompt, count);
                print(transformer, moved, compare ? Optional.of(plain.generate(prompt, count)) : Optional.empty());
            }
        }
    }

    private Sampling check() {
        if (count < 1) {
            throw new ParameterException(spec.commandLine(), "--max-new-tokens must be at least 1, found " + count);
        }
        boolean moved = steer != null || clamp != null;
        if (steer != null && clamp != null || moved != (sae != null) || compare && !moved) {
            throw new ParameterException(spec.commandLine(), "--sae needs either --steer or --clamp, and --compare needs one of them");
        }
        chat.check(spec);
        if (chat.isChat() && source.text == null) {
            throw new ParameterException(spec.commandLine(), "--chat goes with --text");
        }
        if (stops != null && stops.stream().anyMatch(String::isEmpty)) {
            throw new ParameterException(spec.commandLine(), "--stop needs a text that is not empty");
        }
        try {
            double penalty = repetitionPenalty != null ? repetitionPenalty : Sampling.likeliest(model).repetitionPenalty();
            return new Sampling(temperature, topK, topP, penalty, seed);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage());
        }
    }

    private int[] prompt(Transformer transformer) {
        if (source.tokens != null) {
            int[][] rows = TokenRows.parse(source.tokens, spec);
            if (rows.length != 1) {
                throw new ParameterException(spec.commandLine(), "--tokens must be one row of ids, found " + rows.length);
            }
            TokenRows.check(rows, transformer.config());
            return rows[0];
        }
        Tokenizer tokenizer = tokenizer(transformer);
        int[] ids = chat.isChat() ? tokenizer.encode(chat.prompt(chat.template(model), source.text)).ids()
                : tokenizer.encodeWithSpecialTokens(source.text).ids();
        if (ids.length == 0) {
            throw new Sae4jException("the text has no tokens", "--text", "pass at least one character, or --tokens");
        }
        TokenRows.check(new int[][] {ids}, transformer.config());
        return ids;
    }

    private Optional<StopTexts> stopTexts(Transformer transformer) {
        return stops == null ? Optional.empty() : Optional.of(new StopTexts(tokenizer(transformer), stops));
    }

    private Tokenizer tokenizer(Transformer transformer) {
        return transformer.tokenizer().orElseThrow(() -> new Sae4jException("the model has no tokenizer", model.toString(),
                "put tokenizer.json into its folder, or pass --tokens"));
    }

    private void print(Transformer transformer, int[] tokens, Optional<int[]> plain) {
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            Map<String, Object> object = object(transformer, tokens);
            plain.ifPresent(other -> object.put("original", object(transformer, other)));
            out.println(JsonWriter.compact(object));
        } else {
            plain.ifPresent(other -> out.println("original: " + text(transformer, other).orElseGet(() -> Arrays.toString(other))));
            out.println((plain.isPresent() ? "steered: " : "") + text(transformer, tokens).orElseGet(() -> Arrays.toString(tokens)));
        }
        out.flush();
    }

    private Map<String, Object> object(Transformer transformer, int[] tokens) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("tokens", tokens);
        object.put("text", text(transformer, tokens).orElse(""));
        return object;
    }

    private Optional<String> text(Transformer transformer, int[] tokens) {
        Optional<String> text = transformer.tokenizer().map(t -> t.decodeWithoutSpecialTokens(Arrays.stream(tokens).filter(id -> id < t.vocabularySize()).toArray()));
        return stops == null ? text : text.map(stopTexts(transformer).orElseThrow()::cut);
    }
}
