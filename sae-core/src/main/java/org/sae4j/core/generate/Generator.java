package org.sae4j.core.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntConsumer;
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
    private final Optional<Steering> steering;

    /**
     * A generator that takes the likeliest token each time and stops at no token.
     *
     * @param model the model; it must be open while the generator is used
     */
    public Generator(Transformer model) {
        this(model, Sampling.GREEDY, Set.of(), Optional.empty());
    }

    private Generator(Transformer model, Sampling sampling, Set<Integer> ends, Optional<Steering> steering) {
        this.model = model;
        this.sampling = sampling;
        this.ends = ends;
        this.steering = steering;
    }

    /**
     * The same with another choice of tokens.
     *
     * @param other how tokens are chosen
     * @return a generator
     */
    public Generator with(Sampling other) {
        return new Generator(model, other, ends, steering);
    }

    /**
     * The same that stops behind any of some tokens.
     *
     * @param tokens token ids, such as that of the end of a text
     * @return a generator
     */
    public Generator until(Set<Integer> tokens) {
        return new Generator(model, sampling, Set.copyOf(tokens), steering);
    }

    /**
     * The same with features moved at every position.
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
        return new Generator(model, sampling, ends, Optional.of(moved));
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
        KeyValueCache cache = new KeyValueCache(model);
        List<Integer> made = new ArrayList<>();
        int[] next = prompt;
        int[] all = prompt;
        while (made.size() < count && all.length <= model.config().nCtx()) {
            progress.checkCancelled();
            float[] logits = step(next, cache);
            int token = sampling.choose(logits, all, made.size());
            made.add(token);
            each.accept(token);
            if (ends.contains(token)) {
                break;
            }
            next = new int[] {token};
            all = Arrays.copyOf(all, all.length + 1);
            all[all.length - 1] = token;
        }
        return made.stream().mapToInt(Integer::intValue).toArray();
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
        int[][] batch = {tokens};
        ForwardPlan.Builder plan = after(cache).capture(cache.hooks()).capture(HookPoint.LOGITS).logitsAt(-1);
        if (steering.isPresent()) {
            int[] rows = new int[tokens.length];
            Arrays.setAll(rows, row -> row);
            plan.add(steering.get().hook(), rows, steering.get().change(read(batch, cache)));
        }
        Activations pass = model.forward(batch, plan.build());
        cache.append(pass);
        return pass.logits().toArray();
    }

    /** The rows that steering reads: what is added depends on them only if features are clamped or scaled. */
    private Tensor read(int[][] batch, KeyValueCache cache) {
        Steering moved = steering.orElseThrow();
        int d = moved.sae().config().dIn();
        if (!moved.reads()) {
            return Tensor.zeros(batch[0].length, d);
        }
        return model.forward(batch, after(cache).capture(moved.input()).build()).get(moved.input()).reshape(batch[0].length, d);
    }

    private static ForwardPlan.Builder after(KeyValueCache cache) {
        ForwardPlan.Builder plan = ForwardPlan.builder();
        return cache.length() == 0 ? plan : plan.after(cache.values(), cache.length());
    }
}
