package org.sae4j.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.model.Context;
import org.sae4j.api.model.Tokenization;
import org.sae4j.api.model.Transformer;
import org.sae4j.core.activations.Contexts;
import org.sae4j.core.activations.Corpus;
import org.sae4j.core.activations.TextContexts;
import org.sae4j.core.activations.TokenContexts;
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
            description = "The field of --jsonl with the text. Default: ${DEFAULT-VALUE}.")
    private String field;

    @Option(names = "--pack", paramLabel = "HOW", defaultValue = "documents",
            description = "documents: each document in its own contexts, as many as it needs; packed: documents concatenated, "
                    + "with BOS between them, and cut into full contexts. Each context starts with BOS. Default: ${DEFAULT-VALUE}.")
    private Tokenization.Packing packing;

    @Option(names = "--context", paramLabel = "N", description = "Tokens in a context, BOS included. Default: the model's context.")
    private Integer context;

    @Option(names = "--no-bos", description = "Do not start contexts and prompts with the beginning-of-sequence token.")
    private boolean noBos;

    @Option(names = "--bos", paramLabel = "ID", description = "Start contexts and prompts with this token, for a tokenizer that names none. It does "
            + "not count. Models use the first position as an attention sink.")
    private Integer bos;

    @Option(names = "--exclude", split = ",", paramLabel = "ID",
            description = "Tokens that the model reads but that are excluded from everything else, "
            + "wherever they occur. Default: the beginning-of-sequence token.")
    private List<Integer> excluded;

    @Option(names = "--keep-special", description = "Exclude no token.")
    private boolean keepSpecial;

    /** Files of one kind. */
    static final class Files {
        @Option(names = "--corpus", arity = "1..*", paramLabel = "FILE", description = LABELLED)
        private List<Path> corpus;

        @Option(names = "--text", arity = "1..*", paramLabel = "FILE", description = "Plain texts, each file one document.")
        private List<Path> text;

        @Option(names = "--jsonl", arity = "1..*", paramLabel = "FILE", description = "JSON objects, one a line, each a document.")
        private List<Path> jsonl;

        @Option(names = "--tokens", arity = "1..*", paramLabel = "FILE", description = "Token ids: one context per line, "
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

    /** {@return what a command that reads a corpus lacks without one, see {@link Needs}} */
    List<String> missing() {
        return files == null ? List.of("'--corpus=FILE' (or '--text', '--jsonl', '--tokens')") : List.of();
    }

    /** How texts become contexts of a model, and which tokens count. */
    Tokenization tokenization(Transformer model) {
        Tokenization tokenization = model.tokenization().withPacking(packing);
        tokenization = noBos ? tokenization.withoutBos() : bos != null ? tokenization.withBos(bos) : tokenization;
        if (context != null) {
            if (context > model.config().nCtx()) {
                throw new Sae4jException("--context is " + context + ", but the model's context is " + model.config().nCtx(),
                        model.config().name(), "choose a shorter one");
            }
            tokenization = tokenization.withContextSize(context);
        }
        return keepSpecial ? tokenization.withExcluded(Set.of())
                : excluded != null ? tokenization.withExcluded(new HashSet<>(excluded)) : tokenization;
    }

    /** Opens the files; the caller closes what comes back. */
    Contexts open(Transformer model) {
        if (files.tokens != null) {
            Set<Integer> left = keepSpecial ? Set.of() : excluded != null ? new HashSet<>(excluded)
                    : model.tokenizer().map(t -> t.bos().stream().boxed().collect(Collectors.toSet())).orElse(Set.of());
            return new TokenContexts(existing(files.tokens, "--tokens"), left);
        }
        return new TextContexts(corpus(), tokenization(model));
    }

    private Corpus corpus() {
        return files.corpus != null ? Corpus.labelled(existing(files.corpus, "--corpus"))
                : files.text != null ? Corpus.text(existing(files.text, "--text")) : Corpus.jsonl(existing(files.jsonl, "--jsonl"), field);
    }

    private static List<Path> existing(List<Path> paths, String option) {
        paths.forEach(path -> Paths.existing(path, option));
        return paths;
    }

    /** All files that are read. */
    List<Path> paths() {
        return files == null ? List.of() : Stream.of(files.corpus, files.text, files.jsonl, files.tokens).filter(Objects::nonNull)
                .flatMap(List::stream).toList();
    }

    /** All files that are read and others that may be given, null for those that are not. */
    @Nullable Path[] inputs(@Nullable Path... others) {
        return Stream.concat(paths().stream(), Stream.of(others).filter(Objects::nonNull)).toArray(Path[]::new);
    }

    /** All texts, for a command that needs to know which token is of which; none if nothing was given. */
    List<Document> documents(CommandSpec spec, Progress progress) {
        if (files == null) {
            return List.of();
        }
        if (files.tokens != null) {
            throw new ParameterException(spec.commandLine(), "--tokens are not texts; pass --corpus, --text or --jsonl");
        }
        try (Corpus corpus = corpus()) {
            return corpus.documents(progress);
        }
    }

    /** All contexts, of so many tokens that count at most; the last may have more. */
    List<Context> contexts(Transformer model, long maxRows, Terminal terminal) {
        try (Contexts open = open(model)) {
            terminal.say(describe(open));
            List<Context> contexts = new ArrayList<>();
            long rows = 0;
            for (Optional<Context> next = open.next(); next.isPresent(); next = rows < maxRows ? open.next() : Optional.empty()) {
                terminal.checkCancelled();
                contexts.add(next.get());
                rows += next.get().count();
                terminal.update("reading the corpus", open.bytesRead(), open.bytes());
            }
            return contexts;
        }
    }

    /** Says in a line what is done. */
    static String describe(Contexts contexts) {
        Map<String, String> how = new TreeMap<>(contexts.description());
        String left = how.getOrDefault("excluded_tokens", "");
        how.remove("excluded_tokens");
        return how.entrySet().stream().map(e -> e.getKey() + " " + e.getValue()).collect(Collectors.joining(", ")) + "; "
                + (left.isEmpty() ? "no token is excluded" : "tokens excluded wherever they occur: " + left);
    }
}
