package org.sae4j.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.Engines;
import org.sae4j.core.Transformers;

/** What a user wants to know of a transformer before working with it; or why it cannot be used. */
final class ModelSummary {
    private static final Pattern BLOCK = Pattern.compile("blocks\\.(\\d+)\\.(.*)");
    private static final long MIB = 1L << 20;

    private final Map<String, @Nullable Object> values = new LinkedHashMap<>();
    private final List<String> lines = new ArrayList<>();

    private ModelSummary() {
    }

    /** {@return the summary of a folder or file that is a transformer by its form; empty for anything else} */
    static Optional<ModelSummary> of(Path path) {
        boolean gguf = path.getFileName() != null && path.getFileName().toString().endsWith(".gguf");
        if (!gguf && !(Files.isDirectory(path) && Files.isRegularFile(path.resolve("config.json"))
                && Files.notExists(path.resolve("cfg.json")))) {
            return Optional.empty();
        }
        ModelSummary summary = new ModelSummary();
        try (Engine engine = Engines.open("cpu", EngineOptions.DEFAULT); Transformer model = Transformers.open(path, engine)) {
            summary.describe(model);
        } catch (Sae4jException e) {
            summary.values.put("usable", false);
            summary.values.put("reason", e.getMessage());
            summary.lines.add("cannot be used as a transformer: " + e.getMessage());
        }
        return Optional.of(summary);
    }

    /** {@return for people} */
    List<String> lines() {
        return lines;
    }

    /** {@return for programs} */
    Map<String, @Nullable Object> values() {
        return values;
    }

    private void describe(Transformer model) {
        TransformerConfig c = model.config();
        long elements = 0;
        long stored = 0;
        for (Map.Entry<String, org.sae4j.api.Tensor> parameter : model.parameters().entrySet()) {
            if (!(c.tiedUnembedding() && parameter.getKey().equals("unembed.W_U"))) {
                elements += parameter.getValue().size();
                stored += parameter.getValue().type().bytes(parameter.getValue().size());
            }
        }
        long logits = 4L * c.nCtx() * c.dVocab();
        long cache = 8L * c.nLayers() * c.nKeyValueHeads() * c.dHead() * c.nCtx();
        values.put("usable", true);
        values.put("name", c.name());
        values.put("family", c.family());
        values.put("layers", c.nLayers());
        values.put("d_model", c.dModel());
        values.put("heads", c.nHeads());
        values.put("key_value_heads", c.nKeyValueHeads());
        values.put("d_head", c.dHead());
        values.put("d_mlp", c.dMlp());
        values.put("activation", c.activation().name().toLowerCase(Locale.ROOT));
        values.put("context", c.nCtx());
        values.put("vocabulary", c.dVocab());
        values.put("tied_unembedding", c.tiedUnembedding());
        values.put("parameters", elements);
        values.put("tokenizer", model.tokenizer().isPresent());
        values.put("bos", model.tokenizer().flatMap(t -> t.bos().stream().boxed().findFirst()).orElse(null));
        values.put("weights_bytes", stored);
        values.put("logits_bytes_of_a_full_context", logits);
        values.put("cache_bytes_of_a_full_context", cache);
        values.put("hook_points", model.hookPoints().stream().map(hook -> {
            Map<String, @Nullable Object> one = new LinkedHashMap<>();
            one.put("name", hook.toString());
            OptionalInt width = model.width(hook);
            one.put("width", width.isPresent() ? width.getAsInt() : null);
            return one;
        }).toList());
        lines.add(String.format(Locale.ROOT, "model %s: family %s, %d layers, d_model %d, %d heads of %d (%d for keys and values), d_mlp %d, %s",
                c.name(), c.family(), c.nLayers(), c.dModel(), c.nHeads(), c.dHead(), c.nKeyValueHeads(), c.dMlp(),
                c.activation().name().toLowerCase(Locale.ROOT)));
        lines.add(String.format(Locale.ROOT, "context %,d tokens, vocabulary %,d, %s", c.nCtx(), c.dVocab(), model.tokenizer()
                .map(t -> "with a tokenizer; " + (t.bos().isPresent() ? "contexts begin with " + t.token(t.bos().getAsInt())
                        : "no token begins contexts")).orElse("without a tokenizer: it reads token ids, not texts")));
        lines.add(String.format(Locale.ROOT, "memory: %,d parameters in %,d MiB of weights; a full context takes up to %,d MiB for logits and "
                + "%,d MiB for keys and values, short contexts in proportion", elements, ceil(stored), ceil(logits), ceil(cache)));
        lines.add("hook points, with the width of a token's vector:");
        hooks(model);
    }

    /** Hook points of blocks once, with the numbers of the blocks. */
    private void hooks(Transformer model) {
        Map<String, TreeSet<Integer>> blocks = new LinkedHashMap<>();
        Map<String, OptionalInt> widths = new LinkedHashMap<>();
        for (HookPoint hook : model.hookPoints()) {
            Matcher matcher = BLOCK.matcher(hook.toString());
            String name = matcher.matches() ? "blocks.N." + matcher.group(2) : hook.toString();
            widths.putIfAbsent(name, model.width(hook));
            TreeSet<Integer> numbers = blocks.computeIfAbsent(name, n -> new TreeSet<>());
            if (matcher.matches()) {
                numbers.add(Integer.parseInt(matcher.group(1)));
            }
        }
        blocks.forEach((name, numbers) -> {
            OptionalInt width = widths.getOrDefault(name, OptionalInt.empty());
            lines.add(String.format(Locale.ROOT, "  %-40s %s%s", name, width.isPresent() ? Integer.toString(width.getAsInt()) : "no vector",
                    numbers.isEmpty() ? "" : numbers.first().equals(numbers.last()) ? ", N = " + numbers.first()
                            : ", N from " + numbers.first() + " to " + numbers.last()));
        });
    }

    private static long ceil(long bytes) {
        return (bytes + MIB - 1) / MIB;
    }
}
