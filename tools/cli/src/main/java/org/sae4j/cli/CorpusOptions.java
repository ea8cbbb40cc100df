package org.sae4j.cli;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.Transformer;
import org.sae4j.core.store.Contexts;
import org.sae4j.core.store.Corpus;
import org.sae4j.core.store.TextContexts;
import org.sae4j.core.store.TokenContexts;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The options that say what a transformer reads, and how texts become contexts. */
final class CorpusOptions {
    /** What files of labelled texts hold, for the help of options that take one. */
    static final String LABELLED = "Texts: label, tab, text, one a line; a line break in a text is written \\n, a tab \\t, a backslash "
            + "\\\\.";

    @ArgGroup
    private Files files;

    @Option(names = "--field", paramLabel = "NAME", defaultValue = "text",
            description = "The field of --jsonl that holds the text. Default: ${DEFAULT-VALUE}.")
    private String field;

    @Option(names = "--pack", paramLabel = "HOW", defaultValue = "documents",
            description = "documents: every document for itself, in as many contexts as it needs; packed: documents one after the other, "
                    + "BOS between them, cut to full contexts. Each context begins with BOS. Default: ${DEFAULT-VALUE}.")
    private TextContexts.Packing packing;

    @Option(names = "--context", paramLabel = "N", description = "Tokens in a context, BOS included. Default: the model's context.")
    private Integer context;

    @Option(names = "--no-bos", description = "Do not begin contexts with the beginning-of-sequence token.")
    private boolean noBos;

    @Option(names = "--exclude", split = ",", paramLabel = "ID", description = "Tokens that the model reads and that are left out of the "
            + "activations. Default: the beginning-of-sequence token.")
    private List<Integer> excluded;

    @Option(names = "--keep-special", description = "Leave no token out of the activations.")
    private boolean keepSpecial;

    /** Files of one kind. */
    static final class Files {
        @Option(names = "--corpus", arity = "1..*", paramLabel = "FILE", description = LABELLED)
        private List<Path> corpus;

        @Option(names = "--text", arity = "1..*", paramLabel = "FILE", description = "Plain texts, each file one document.")
        private List<Path> text;

        @Option(names = "--jsonl", arity = "1..*", paramLabel = "FILE", description = "JSON objects, one a line, each a document.")
        private List<Path> jsonl;

        @Option(names = "--tokens", arity = "1..*", paramLabel = "FILE", description = "Token ids, used as they are: one context a line, "
                + "or a safetensors file with one tensor of whole numbers [contexts, length].")
        private List<Path> tokens;

        Files() {
        }
    }

    CorpusOptions() {
    }

    /** Whether there is something to read. */
    boolean isGiven() {
        return files != null;
    }

    /** Refuses a command line without something to read. */
    void require(CommandSpec spec) {
        if (files == null) {
            throw new ParameterException(spec.commandLine(), "Missing required option: '--corpus=FILE', '--text=FILE', '--jsonl=FILE' or "
                    + "'--tokens=FILE'");
        }
    }

    /** Opens the files; the caller closes what comes back. */
    Contexts open(Transformer model) {
        if (files.tokens != null) {
            return new TokenContexts(existing(files.tokens, "--tokens"));
        }
        int length = context == null ? model.config().nCtx() : context;
        if (length > model.config().nCtx()) {
            throw new Sae4jException("--context is " + length + ", but the model's context is " + model.config().nCtx(),
                    model.config().name(), "choose a shorter one");
        }
        Tokenizer tokenizer = model.tokenizer().orElseThrow(() -> new Sae4jException("texts cannot be encoded without a tokenizer",
                model.config().name(), "put tokenizer.json into the model's folder, or give --tokens"));
        Corpus corpus = files.corpus != null ? Corpus.labelled(existing(files.corpus, "--corpus"))
                : files.text != null ? Corpus.text(existing(files.text, "--text")) : Corpus.jsonl(existing(files.jsonl, "--jsonl"), field);
        return new TextContexts(corpus, tokenizer, packing, length, noBos ? OptionalInt.empty() : tokenizer.bos());
    }

    private static List<Path> existing(List<Path> paths, String option) {
        paths.forEach(path -> Paths.existing(path, option));
        return paths;
    }

    /** Tokens whose activations are left out. */
    Set<Integer> excluded(Transformer model) {
        if (keepSpecial) {
            return Set.of();
        }
        return excluded != null ? new HashSet<>(excluded)
                : model.tokenizer().map(t -> t.bos().stream().boxed().collect(Collectors.toSet())).orElse(Set.of());
    }

    /** Says in a line what is done. */
    String describe(Contexts contexts, Set<Integer> left) {
        String how = contexts.description().entrySet().stream().map(e -> e.getKey() + " " + e.getValue()).sorted()
                .collect(Collectors.joining(", "));
        return how + "; " + (left.isEmpty() ? "no token is left out" : "tokens left out of the activations: "
                + Arrays.toString(left.stream().sorted().toArray()).toLowerCase(Locale.ROOT));
    }
}
