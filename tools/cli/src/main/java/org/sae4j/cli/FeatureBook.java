package org.sae4j.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.Figure;
import org.sae4j.api.experiment.Figure.Link;
import org.sae4j.api.lab.LabelScores;
import org.sae4j.core.features.FeatureLabels;
import org.sae4j.core.features.FeatureProfile;
import org.sae4j.core.features.FeatureProfiles;
import org.sae4j.core.internal.json.JsonException;
import org.sae4j.core.internal.json.JsonNode;
import org.sae4j.core.internal.json.JsonReader;
import org.sae4j.core.internal.json.JsonWriter;
import org.sae4j.core.output.OutputFile;
import org.sae4j.report.Catalog;

/**
 * All features of an autoencoder in files of some each: {@code features/003.json} for programs, and {@code features/003.js} with the cards
 * that the page loads when one is asked for. A file that is there is done, so that a book that was interrupted is gone on with.
 */
final class FeatureBook {
    static final String FOLDER = "features";
    static final String SCHEMA = "sae4j/feature-shard/1";
    private static final int PER_SHARD = 64;
    private static final int TOKENS = 6;

    private final Path folder;
    private final int size;
    private final boolean labelled;

    FeatureBook(Path folder, int size, LabelScores scores) {
        this.folder = folder.resolve(FOLDER);
        this.size = size;
        labelled = !scores.labels().isEmpty();
    }

    /** {@return the number of features} */
    int size() {
        return size;
    }

    int shards() {
        return Math.ceilDiv(size, PER_SHARD);
    }

    int[] features(int shard) {
        return IntStream.range(shard * PER_SHARD, Math.min(size, (shard + 1) * PER_SHARD)).toArray();
    }

    private Path data(int shard) {
        return folder.resolve(String.format(Locale.ROOT, "%03d.json", shard));
    }

    boolean has(int shard) {
        return Files.exists(data(shard)) && Files.exists(folder.resolve(Catalog.shardName(shard)));
    }

    void write(int shard, FeatureProfiles profiles) {
        FeaturePages pages = new FeaturePages(profiles);
        Catalog.write(folder, shard, profiles.features().stream().map(pages::section).toList());
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("schema", SCHEMA);
        json.put("features", profiles.features().stream().map(f -> values(f, profiles)).toList());
        OutputFile.write(data(shard), (JsonWriter.compact(json) + "\n").getBytes(StandardCharsets.UTF_8));
    }

    private static Map<String, @Nullable Object> values(FeatureProfile f, FeatureProfiles profiles) {
        Map<String, @Nullable Object> values = new LinkedHashMap<>();
        values.put("feature", f.feature());
        values.put("active", f.active());
        values.put("density", f.density());
        values.put("max", f.max());
        values.put("mean", f.active() == 0 ? null : f.mean());
        boolean named = f.active() > 0 && !f.labels().isEmpty();
        values.put("label", named ? f.labels().getFirst().label() : null);
        values.put("document_auroc", named ? f.labels().getFirst().documentAuroc() : null);
        values.put("token_auroc", named ? f.labels().getFirst().tokenAuroc() : null);
        values.put("top_tokens", f.examples().stream().filter(e -> e.interval() == 0)
                .map(e -> e.tokens().get(e.position() - e.from())).distinct().limit(TOKENS).toList());
        values.put("promotes", f.logits().map(l -> l.top().stream().limit(TOKENS).map(FeatureProfile.TokenEffect::text).toList())
                .orElse(null));
        values.put("suppresses", f.logits().map(l -> l.bottom().stream().limit(TOKENS).map(FeatureProfile.TokenEffect::text).toList())
                .orElse(null));
        values.put("neighbors", f.neighbors().stream().map(FeatureProfile.Neighbor::feature).toList());
        values.put("tokens_profiled", profiles.tokens());
        return values;
    }

    /**
     * The table of all features, of files that are all there.
     *
     * @param names what people say of features, by feature
     */
    Catalog catalog(String sample, Map<Integer, FeatureLabels.Label> names) {
        List<String> columns = new ArrayList<>(List.of("feature"));
        if (!names.isEmpty()) {
            columns.add("name");
        }
        if (labelled) {
            columns.addAll(List.of("label", "AUROC"));
        }
        columns.addAll(List.of("density (%)", "max", "fires on", "promotes"));
        List<List<Object>> rows = new ArrayList<>();
        for (int shard = 0; shard < shards(); shard++) {
            for (JsonNode f : read(data(shard)).path("features")) {
                long feature = f.path("feature").asLong(0);
                List<Object> row = new ArrayList<>(List.of(new Link(Long.toString(feature), "feature-" + feature)));
                if (!names.isEmpty()) {
                    row.add(FeaturePages.name(names, Math.toIntExact(feature)));
                }
                if (labelled) {
                    boolean named = f.path("label").isString();
                    row.addAll(List.of(f.path("label").asString(""), named ? (Object) f.path("document_auroc").doubleValue() : ""));
                }
                row.addAll(List.of(100 * f.path("density").doubleValue(), f.path("max").doubleValue(), tokens(f.path("top_tokens")),
                        tokens(f.path("promotes"))));
                rows.add(row);
            }
        }
        String about = "Every feature of the autoencoder. Filter by token, label or number; a click on a heading sorts, one on a number shows "
                + "the feature's card below the table. The files features/NNN.json hold the same for programs.";
        return new Catalog("All features", List.of(about), new Figure.Table("all", String.format(Locale.ROOT, "All %,d features", size),
                "Fires on: the tokens of its largest activations in different passages. Promotes: direct effect on the logits. " + sample,
                columns, rows), FOLDER, PER_SHARD, IntStream.range(0, size).mapToObj(f -> "feature-" + f).toList());
    }

    private static String tokens(JsonNode list) {
        List<String> tokens = new ArrayList<>();
        if (list.isArray()) {
            list.forEach(token -> tokens.add(FeaturePages.shown(token.asString(""))));
        }
        return tokens.stream().collect(Collectors.joining("\u00a0\u00a0"));
    }

    private static JsonNode read(Path file) {
        try {
            return JsonReader.read(Files.readString(file));
        } catch (IOException | JsonException e) {
            throw new Sae4jException("the features cannot be read (" + e.getMessage() + ")", file.toString(),
                    "delete the file; the same command makes it again", e);
        }
    }
}
