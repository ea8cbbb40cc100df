package org.sae4j.api.model;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.sae4j.api.Sae4jException;

/**
 * How texts become contexts, and which of their tokens count: one way for harvests, training, evaluation, features and experiments. Start
 * from {@link Transformer#tokenization()} and change what should be otherwise. Immutable.
 *
 * {@snippet :
 * List<Context> contexts = model.tokenization().withContextSize(64).contexts("The cat slept.");
 * }
 *
 * <p>A context begins with the beginning-of-sequence token (BOS), unless the text has one at that place already. No token is dropped: a
 * text that is too long for one context goes on in further ones. BOS does not count, wherever it stands.
 */
public final class Tokenization {
    private final Tokenizer tokenizer;
    private final int largest;
    private final int contextSize;
    private final OptionalInt bos;
    private final Packing packing;
    private final Set<Integer> excluded;

    /** How documents become contexts. */
    public enum Packing {
        /** Every document for itself. What is too long for one context goes on in further ones, each begun by BOS. */
        DOCUMENTS,
        /**
         * Documents one after the other with BOS between them, cut to full contexts that each begin with BOS, as SAELens does. The last
         * context may be shorter.
         */
        PACKED
    }

    private Tokenization(Tokenizer tokenizer, int largest, int contextSize, OptionalInt bos, Packing packing, Set<Integer> excluded) {
        this.tokenizer = tokenizer;
        this.largest = largest;
        this.contextSize = contextSize;
        this.bos = bos;
        this.packing = packing;
        this.excluded = Set.copyOf(excluded);
        if (contextSize > largest) {
            throw new Sae4jException("a context of " + contextSize + " tokens is longer than the model's, " + largest, "context size",
                    "choose a shorter one");
        }
        if (contextSize <= bos.stream().count()) {
            throw new Sae4jException("a context of " + contextSize + " tokens leaves no room for text", "context size",
                    "choose a longer context");
        }
    }

    /**
     * The usual way: every document for itself, contexts as long as they can be, BOS before each where the tokenizer has one.
     *
     * @param tokenizer makes tokens of texts
     * @param nCtx tokens that the transformer reads at most
     * @return the tokenization
     * @throws Sae4jException if the length leaves no room for a token of the text
     */
    public static Tokenization of(Tokenizer tokenizer, int nCtx) {
        return new Tokenization(tokenizer, nCtx, nCtx, tokenizer.bos(), Packing.DOCUMENTS,
                tokenizer.bos().stream().boxed().collect(Collectors.toSet()));
    }

    /**
     * Contexts of another size.
     *
     * @param size tokens in a context at most, BOS included
     * @return a copy with it
     * @throws Sae4jException if the model's context is shorter, or there is no room for a token of the text
     */
    public Tokenization withContextSize(int size) {
        return new Tokenization(tokenizer, largest, size, bos, packing, excluded);
    }

    /** {@return a copy that puts no BOS before contexts and between documents; one that the text holds still does not count} */
    public Tokenization withoutBos() {
        return new Tokenization(tokenizer, largest, contextSize, OptionalInt.empty(), packing, excluded);
    }

    /**
     * A beginning of contexts for a tokenizer that names none. Many models make of whatever stands first a sink of attention with an
     * activation a hundred times as large as any other: it had better be a token that does not count.
     *
     * @param id the token to put before contexts and, where documents are packed, between them; it does not count, wherever it stands
     * @return a copy with it
     * @throws Sae4jException if the context has no room for text behind it, or the tokenizer has no such token
     */
    public Tokenization withBos(int id) {
        if (id < 0 || id >= tokenizer.vocabularySize()) {
            throw new Sae4jException("no token " + id + ", only 0 to " + (tokenizer.vocabularySize() - 1), "BOS",
                    "choose one of the tokenizer's");
        }
        Set<Integer> left = Stream.concat(excluded.stream(), Stream.of(id)).collect(Collectors.toSet());
        return new Tokenization(tokenizer, largest, contextSize, OptionalInt.of(id), packing, left);
    }

    /**
     * Another packing.
     *
     * @param how how documents become contexts
     * @return a copy with it
     */
    public Tokenization withPacking(Packing how) {
        Objects.requireNonNull(how, "how");
        return new Tokenization(tokenizer, largest, contextSize, bos, how, excluded);
    }

    /**
     * Other tokens that do not count.
     *
     * @param ids tokens that the model reads and that are left out of all else, wherever they stand; empty if all tokens count
     * @return a copy with them
     */
    public Tokenization withExcluded(Set<Integer> ids) {
        Objects.requireNonNull(ids, "ids");
        return new Tokenization(tokenizer, largest, contextSize, bos, packing, ids);
    }

    /** {@return what makes tokens of texts} */
    public Tokenizer tokenizer() {
        return tokenizer;
    }

    /** {@return tokens in a context at most, BOS included} */
    public int contextSize() {
        return contextSize;
    }

    /** {@return the token that begins every context, or empty if none is put there} */
    public OptionalInt bos() {
        return bos;
    }

    /** {@return how documents become contexts} */
    public Packing packing() {
        return packing;
    }

    /** {@return the tokens that do not count, unmodifiable} */
    public Set<Integer> excluded() {
        return excluded;
    }

    /**
     * The contexts of one text.
     *
     * @param text any text
     * @return its contexts in order; none if it has no token
     */
    public List<Context> contexts(String text) {
        Objects.requireNonNull(text, "text");
        return contexts(List.of(text));
    }

    /**
     * The contexts of several texts, each of which is a document.
     *
     * @param texts any texts
     * @return their contexts in order
     */
    public List<Context> contexts(List<String> texts) {
        TextSplitter splitter = splitter();
        texts.forEach(text -> splitter.add(text, true));
        splitter.end();
        List<Context> contexts = new ArrayList<>();
        for (Optional<Context> next = splitter.next(); next.isPresent(); next = splitter.next()) {
            contexts.add(next.get());
        }
        return contexts;
    }

    /** {@return what makes contexts of texts that come one after the other, at its start} */
    public TextSplitter splitter() {
        return new TextSplitter(this);
    }

    /** {@return these settings by name, to keep with what is made of the contexts and to compare} */
    public Map<String, String> description() {
        Map<String, String> map = new LinkedHashMap<>();
        map.put("packing", packing.name().toLowerCase(Locale.ROOT));
        map.put("context", Integer.toString(contextSize));
        map.put("bos", bos.isPresent() ? Integer.toString(bos.getAsInt()) : "none");
        map.put("excluded_tokens", new TreeSet<>(excluded).stream().map(String::valueOf).collect(Collectors.joining(",")));
        return map;
    }
}
