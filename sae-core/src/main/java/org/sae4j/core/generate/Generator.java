package org.sae4j.core.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;

/**
 * Continues a sequence of tokens. Each token runs through the model once: keys and values are kept.
 *
 * <pre>{@code
 * int[] prompt = model.tokenizer().orElseThrow().encode("The capital of France is").ids();
 * int[] next = new Generator(model).generate(prompt, 20);
 * }</pre>
 */
public final class Generator {
    private final Transformer model;
    private final Sampling sampling;
    private final Set<Integer> ends;
    private final Optional<StopTexts> stops;
    private final Optional<Steering> steering;

    /** A sequence while it is continued. */
    private static final class Sequence {
        private final int number;
        private final int prompt;
        private int[] tokens;
        private boolean ended;

        Sequence(int number, int[] prompt) {
            this.number = number;
            this.prompt = prompt.length;
            tokens = prompt;
        }

        void add(int token) {
            tokens = Arrays.copyOf(tokens, tokens.length + 1);
            tokens[tokens.length - 1] = token;
        }

        int[] made() {
            return Arrays.copyOfRange(tokens, prompt, tokens.length);
        }
    }

    /**
     * A generator that takes the likeliest token each time and stops at no token.
     *
     * @param model the model; it must be open while the generator is used
     */
    public Generator(Transformer model) {
        this(model, Sampling.GREEDY, Set.of(), Optional.empty(), Optional.empty());
    }

    private Generator(Transformer model, Sampling sampling, Set<Integer> ends, Optional<StopTexts> stops, Optional<Steering> steering) {
        this.model = model;
        this.sampling = sampling;
        this.ends = ends;
        this.stops = stops;
        this.steering = steering;
    }

    /**
     * The same with another choice of tokens.
     *
     * @param other how tokens are chosen
     * @return a generator
     */
    public Generator with(Sampling other) {
        return new Generator(model, other, ends, stops, steering);
    }

    /**
     * The same that stops behind any of some tokens.
     *
     * @param tokens token ids, such as that of the end of a text
     * @return a generator
     */
    public Generator until(Set<Integer> tokens) {
        return new Generator(model, sampling, Set.copyOf(tokens), stops, steering);
    }

    /**
     * The same that stops behind the token that completes one of some texts in what is new.
     *
     * @param texts the texts
     * @return a generator
     */
    public Generator until(StopTexts texts) {
        return new Generator(model, sampling, ends, Optional.of(texts), steering);
    }

    /**
     * The same with features moved.
     *
     * @param moved the features
     * @return a generator
     * @throws IllegalArgumentException if the autoencoder's hook point is not in the model's blocks, has another width, or cannot be edited
     */
    public Generator with(Steering moved) {
        HookPoint hook = moved.hook();
        if (!model.hookPoints().contains(hook) || hook.layer() < 0 || !hook.site().isEditable() || hook.site().isPattern()
                || model.width(hook).orElse(0) != moved.sae().config().dOut() || !model.hookPoints().contains(moved.input())
                || model.width(moved.input()).orElse(0) != moved.sae().config().dIn()) {
            throw new IllegalArgumentException("features of " + hook + " with width " + moved.sae().config().dOut()
                    + " cannot be moved in model " + model.config().name());
        }
        return new Generator(model, sampling, ends, stops, Optional.of(moved));
    }

    /**
     * Continues a sequence.
     *
     * @param prompt the tokens so far, at least one
     * @param count most new tokens
     * @return the new tokens, one that ends the sequence included
     * @throws IllegalArgumentException if the prompt is empty, longer than the context or out of the vocabulary
     */
    public int[] generate(int[] prompt, int count) {
        return generate(prompt, count, Progress.NONE, token -> { });
    }

    /**
     * Continues a sequence and tells each token as it comes.
     *
     * @param prompt the tokens so far, at least one
     * @param count most new tokens; fewer come where the context ends
     * @param progress asked for cancellation before each token
     * @param each takes each new token
     * @return the new tokens, one that ends the sequence included
     * @throws IllegalArgumentException if the prompt is empty, longer than the context or out of the vocabulary
     */
    public int[] generate(int[] prompt, int count, Progress progress, IntConsumer each) {
        Sequence sequence = new Sequence(0, prompt);
        extend(List.of(sequence), count, progress, each);
        return sequence.made();
    }

    /**
     * Continues sequences together, those of equal length in passes of one batch. Each gets the tokens that it gets alone, on the CPU from
     * logits with the same bits; draws, too, are those of {@link #generate(int[], int)}.
     *
     * @param prompts the tokens of each sequence so far, at least one
     * @param count most new tokens of each; fewer come where the context ends
     * @param progress asked for cancellation before each pass
     * @return the new tokens of each, one that ends the sequence included
     * @throws IllegalArgumentException if a prompt is empty, longer than the context or out of the vocabulary
     */
    public int[][] generate(int[][] prompts, int count, Progress progress) {
        Map<Integer, List<Sequence>> byLength = new TreeMap<>();
        int[][] made = new int[prompts.length][];
        for (int i = 0; i < prompts.length; i++) {
            byLength.computeIfAbsent(prompts[i].length, length -> new ArrayList<>()).add(new Sequence(i, prompts[i]));
        }
        for (List<Sequence> sequences : byLength.values()) {
            extend(sequences, count, progress, token -> { });
            sequences.forEach(sequence -> made[sequence.number] = sequence.made());
        }
        return made;
    }

    /** Continues sequences of equal length. */
    private void extend(List<Sequence> sequences, int count, Progress progress, IntConsumer each) {
        KeyValueCache cache = new KeyValueCache(model, sequences.size());
        List<Sequence> rows = sequences;
        int[][] next = rows.stream().map(sequence -> sequence.tokens).toArray(int[][]::new);
        for (int step = 0; step < count && !rows.isEmpty() && rows.getFirst().tokens.length <= model.config().nCtx(); step++) {
            progress.checkCancelled();
            float[][] logits = step(next, cache);
            for (int i = 0; i < rows.size(); i++) {
                Sequence sequence = rows.get(i);
                int token = sampling.choose(logits[i], sequence.tokens, step);
                sequence.add(token);
                each.accept(token);
                sequence.ended = ends.contains(token) || stops.isPresent() && stops.get().in(sequence.made());
            }
            if (rows.stream().anyMatch(sequence -> sequence.ended)) {
                List<Sequence> before = rows;
                cache.keep(IntStream.range(0, before.size()).filter(i -> !before.get(i).ended).toArray());
                rows = rows.stream().filter(sequence -> !sequence.ended).toList();
            }
            next = rows.stream().map(sequence -> new int[] {sequence.tokens[sequence.tokens.length - 1]}).toArray(int[][]::new);
        }
    }

    /**
     * Runs tokens after those of a cache, which then has them too.
     *
     * @param tokens the next tokens, at least one
     * @param cache keys and values of the tokens before
     * @return the logits after the last token
     * @throws IllegalArgumentException if there are no tokens, more than the context holds, or one is out of the vocabulary
     */
    public float[] step(int[] tokens, KeyValueCache cache) {
        return step(new int[][] {tokens}, cache)[0];
    }

    /**
     * Runs the next tokens of several sequences after those of a cache, which then has them too.
     *
     * @param batch the next tokens of each sequence of the cache, as many of each and at least one
     * @param cache keys and values of the tokens before
     * @return the logits after the last token of each
     * @throws IllegalArgumentException if there are no tokens, more than the context holds, or one is out of the vocabulary; if the rows
     *     are not as long as each other, or not as many as those of the cache
     */
    public float[][] step(int[][] batch, KeyValueCache cache) {
        if (batch.length != cache.rows()) {
            throw new IllegalArgumentException("the cache is of " + cache.rows() + " sequences, the tokens are of " + batch.length);
        }
        ForwardPlan.Builder plan = after(cache).capture(cache.hooks()).capture(HookPoint.LOGITS).logitsAt(-1);
        if (steering.isPresent()) {
            steering.get().addTo(plan, read(batch, cache), batch[0].length, cache.length() == 0);
        }
        Activations pass = model.forward(batch, plan.build());
        cache.append(pass);
        float[] logits = pass.logits().toArray();
        int vocabulary = logits.length / batch.length;
        return IntStream.range(0, batch.length).mapToObj(row -> Arrays.copyOfRange(logits, row * vocabulary, (row + 1) * vocabulary))
                .toArray(float[][]::new);
    }

    /** The rows that steering reads: what is added depends on them only if features are clamped or scaled. */
    private Tensor read(int[][] batch, KeyValueCache cache) {
        Steering moved = steering.orElseThrow();
        int d = moved.sae().config().dIn();
        if (!moved.reads()) {
            return Tensor.zeros(batch.length * batch[0].length, d);
        }
        return model.forward(batch, after(cache).capture(moved.input()).build()).get(moved.input())
                .reshape(batch.length * batch[0].length, d);
    }

    private static ForwardPlan.Builder after(KeyValueCache cache) {
        ForwardPlan.Builder plan = ForwardPlan.builder();
        return cache.length() == 0 ? plan : plan.after(cache.values(), cache.length());
    }
}
