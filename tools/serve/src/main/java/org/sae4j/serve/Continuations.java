package org.sae4j.serve;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Progress;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.core.generate.Generator;
import org.sae4j.core.generate.KeyValueCache;
import org.sae4j.core.generate.Sampling;
import org.sae4j.core.generate.Steering;
import org.sae4j.core.internal.json.JsonNode;

/** The continuation of a text as the model gives it, and with features moved, token by token. */
final class Continuations {
    static final int MOST_TOKENS = 512;
    static final int MOST_CHARACTERS = 20_000;
    private static final int MOST_FEATURES = 32;
    private static final int NEXT = 12;
    private static final double LARGEST_VALUE = 1e6;

    /** Takes one event; what it throws ends the work. */
    @FunctionalInterface
    interface Events {
        void send(Map<String, @Nullable Object> event) throws IOException;
    }

    private final Study study;
    private final Set<Integer> ends;
    private final BooleanSupplier stopping;

    Continuations(Study study, Set<Integer> ends, BooleanSupplier stopping) {
        this.study = study;
        this.ends = ends;
        this.stopping = stopping;
    }

    /** What is asked for, checked. */
    record Wish(int[] prompt, int count, Sampling sampling, Map<Integer, Steering.Move> moves) {}

    Wish wish(Request.Sent sent) {
        String text = sent.text("text", "", MOST_CHARACTERS);
        Tokenizer tokenizer = study.model.tokenizer().orElseThrow();
        int[] prompt = tokenizer.encodeWithSpecialTokens(text).ids();
        int room = study.model.config().nCtx();
        if (prompt.length == 0) {
            throw ApiException.bad("the text has no tokens, type something");
        }
        if (prompt.length > room) {
            throw new ApiException(413, "the text has " + prompt.length + " tokens, the model's context holds " + room);
        }
        Map<Integer, Steering.Move> moves = new TreeMap<>();
        JsonNode given = sent.node().path("moves");
        if (given.size() > MOST_FEATURES) {
            throw ApiException.bad("at most " + MOST_FEATURES + " features are moved at once, found " + given.size());
        }
        for (JsonNode move : given) {
            Request.Sent fields = new Request.Sent(move);
            double value = fields.real("value", 0);
            if (!(Math.abs(value) <= LARGEST_VALUE)) {
                throw ApiException.bad("a feature is moved by at most " + LARGEST_VALUE + ", found " + value);
            }
            moves.put(study.checked(fields.number("feature", -1, Integer.MIN_VALUE, Integer.MAX_VALUE)),
                    switch (fields.text("mode", "add", 20)) {
                        case "add" -> new Steering.Move(Steering.Mode.ADD, value);
                        case "clamp" -> new Steering.Move(Steering.Mode.CLAMP, value);
                        case "scale" -> new Steering.Move(Steering.Mode.SCALE, value);
                        case "ablate" -> new Steering.Move(Steering.Mode.CLAMP, 0);
                        default -> throw ApiException.bad("mode is add, clamp, scale or ablate");
                    });
        }
        try {
            Sampling sampling = new Sampling(sent.real("temperature", 0), sent.number("top_k", 0, 0, Integer.MAX_VALUE),
                    sent.real("top_p", 1), sent.real("repetition_penalty", 1),
                    sent.number("seed", 0, Integer.MIN_VALUE, Integer.MAX_VALUE));
            return new Wish(prompt, sent.number("count", 40, 1, MOST_TOKENS), sampling, moves);
        } catch (IllegalArgumentException e) {
            throw ApiException.bad(String.valueOf(e.getMessage()));
        }
    }

    /** Runs both continuations side by side and sends their tokens as they come. */
    void run(Wish wish, Events events) throws IOException {
        Generator plain = new Generator(study.model).with(wish.sampling()).until(ends);
        Generator moved = wish.moves().isEmpty() ? plain : plain.with(new Steering(study.sae, wish.moves()));
        events.send(Json.object("prompt", study.texts(wish.prompt()), "next", next(wish, plain, moved)));
        AtomicBoolean gone = new AtomicBoolean();
        ThreadFactory threads = Thread.ofPlatform().daemon().name("sae-serve-side-", 0).factory();
        try (ExecutorService sides = Executors.newThreadPerTaskExecutor(threads)) {
            List<Future<?>> both = List.of(sides.submit(() -> side("original", plain, wish, events, gone)),
                    sides.submit(() -> side("steered", moved, wish, events, gone)));
            for (Future<?> side : both) {
                side.get();
            }
            events.send(Json.object("done", true));
        } catch (InterruptedException e) {
            gone.set(true);
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            gone.set(true);
            switch (e.getCause()) {
                case UncheckedIOException lost -> throw lost.getCause();
                case CancellationException stopped -> events.send(Json.object("stopped", true));
                case RuntimeException other -> throw other;
                case null, default -> throw new IllegalStateException(e.getCause());
            }
        }
    }

    private void side(String name, Generator generator, Wish wish, Events events, AtomicBoolean gone) {
        List<Integer> made = new ArrayList<>();
        Tokenizer tokenizer = study.model.tokenizer().orElseThrow();
        Progress cancellable = new Progress() {
            @Override
            public void update(String stage, long done, long total) { }

            @Override
            public boolean isCancelled() {
                return gone.get() || stopping.getAsBoolean();
            }
        };
        try {
            generator.generate(wish.prompt(), wish.count(), cancellable, token -> {
                made.add(token);
                int[] known = made.stream().mapToInt(Integer::intValue).filter(id -> id < tokenizer.vocabularySize()).toArray();
                try {
                    events.send(Json.object("side", name, "token", token, "text", tokenizer.decodeWithoutSpecialTokens(known)));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        } catch (RuntimeException e) {
            gone.set(true);
            throw e;
        }
    }

    /** The likeliest next tokens of both, with their probabilities in both. */
    private List<Map<String, @Nullable Object>> next(Wish wish, Generator plain, Generator moved) {
        double[] before = probabilities(plain.step(wish.prompt(), new KeyValueCache(study.model)));
        double[] after = moved == plain ? before : probabilities(moved.step(wish.prompt(), new KeyValueCache(study.model)));
        Set<Integer> tokens = new TreeSet<>();
        Stream.of(before, after).forEach(p -> IntStream.range(0, p.length).boxed().sorted(Comparator.comparingDouble(t -> -p[t]))
                .limit(NEXT).forEach(tokens::add));
        return tokens.stream().sorted(Comparator.comparingDouble(t -> -Math.max(before[t], after[t])))
                .map(t -> Json.object("token", t, "text", study.texts(new int[] {t}).getFirst(), "original", before[t],
                        "steered", after[t]))
                .toList();
    }

    private static double[] probabilities(float[] logits) {
        double max = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            max = Math.max(max, logit);
        }
        double[] p = new double[logits.length];
        double most = max;
        Arrays.setAll(p, i -> Math.exp(logits[i] - most));
        double sum = Arrays.stream(p).sum();
        Arrays.setAll(p, i -> p[i] / sum);
        return p;
    }
}
