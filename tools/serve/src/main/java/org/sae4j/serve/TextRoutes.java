package org.sae4j.serve;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.EncodedText;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.core.features.FeatureLabels.Label;

/** Features of texts, and features by texts. */
final class TextRoutes {
    private static final int MOST_CHARACTERS = 20_000;
    private static final int TEXT_FEATURES = 600;
    private static final int FEATURES_PER_TOKEN = 48;
    private static final int FOUND = 40;

    private final Transformer model;
    private final Studies studies;

    TextRoutes(Transformer model, Studies studies) {
        this.model = model;
        this.studies = studies;
    }

    Map<String, @Nullable Object> text(Request.Sent sent) {
        Study study = studies.study(sent);
        EncodedText encoded = study.encode(sent.text("text", "", MOST_CHARACTERS));
        SparseRows rows = encoded.features();
        List<String> texts = study.texts(encoded.tokens());
        List<Map<String, @Nullable Object>> tokens = new ArrayList<>();
        Map<Integer, double[]> byFeature = new HashMap<>();
        for (int row = 0; row < encoded.size(); row++) {
            int from = rows.start(row);
            int at = row;
            int[] strongest = IntStream.range(from, rows.start(row + 1)).filter(e -> rows.value(e) > 0).boxed()
                    .sorted(Comparator.<Integer>comparingDouble(e -> -rows.value(e)).thenComparing(Comparator.naturalOrder()))
                    .mapToInt(Integer::intValue).toArray();
            for (int e : strongest) {
                double[] seen = byFeature.computeIfAbsent(rows.index(e), f -> new double[3]);
                if (rows.value(e) > seen[0]) {
                    seen[0] = rows.value(e);
                    seen[1] = at;
                }
                seen[2]++;
            }
            tokens.add(Json.object("id", encoded.token(row), "text", texts.get(row), "start", encoded.start(row), "end", encoded.end(row),
                    "active", strongest.length, "features", Arrays.stream(strongest).limit(FEATURES_PER_TOKEN).map(rows::index).toArray(),
                    "activations", Arrays.stream(strongest).limit(FEATURES_PER_TOKEN).mapToObj(rows::value).toList()));
        }
        SortedMap<Integer, Label> named = studies.named(study);
        List<Map<String, @Nullable Object>> strongest = byFeature.entrySet().stream()
                .sorted(Comparator.<Map.Entry<Integer, double[]>>comparingDouble(e -> -e.getValue()[0]).thenComparing(Map.Entry::getKey))
                .limit(TEXT_FEATURES).map(e -> {
                    Map<String, @Nullable Object> feature = Studies.brief(study, named, e.getKey());
                    feature.put("activation", e.getValue()[0]);
                    feature.put("at", (int) e.getValue()[1]);
                    feature.put("tokens", (int) e.getValue()[2]);
                    return feature;
                }).toList();
        return Json.object("sae", study.number, "left_out", encoded.leftOut(), "active_features", byFeature.size(), "tokens", tokens,
                "features", strongest);
    }

    Map<String, @Nullable Object> byTexts(Request.Sent sent) {
        Study study = studies.study(sent);
        float[] on = maxima(study, sent.text("on", "", MOST_CHARACTERS));
        float[] off = maxima(study, sent.text("off", "", MOST_CHARACTERS));
        Optional<Study.Index> index = study.index();
        // Strong features would win everywhere: each is measured by its own largest activation, where the corpus tells it.
        double[] score = new double[on.length];
        Arrays.setAll(score, f -> on[f] <= off[f] ? 0 : (on[f] - off[f]) / index.map(i -> Math.max(i.max()[f], on[f])).orElse(1.0));
        SortedMap<Integer, Label> named = studies.named(study);
        return Json.object("sae", study.number, "features", Arrays.stream(Study.largest(score, FOUND)).mapToObj(f -> {
            Map<String, @Nullable Object> found = Studies.brief(study, named, f);
            found.put("on", on[f]);
            found.put("off", off[f]);
            found.put("score", score[f]);
            return found;
        }).toList());
    }

    private static float[] maxima(Study study, String text) {
        float[] max = new float[study.sae.config().dSae()];
        SparseRows rows = study.encode(text).features();
        for (int e = 0; e < rows.entries(); e++) {
            max[rows.index(e)] = Math.max(max[rows.index(e)], rows.value(e));
        }
        return max;
    }

    Map<String, @Nullable Object> byToken(Request request) {
        Study study = studies.study(request);
        String text = request.text("text", "");
        if (text.isEmpty() || text.length() > 200) {
            throw ApiException.bad("text is a token, from 1 to 200 characters");
        }
        int[] tokens = java.util.stream.Stream.of(text, " " + text).map(t -> model.tokenizer().orElseThrow().encode(t).ids())
                .filter(ids -> ids.length == 1).mapToInt(ids -> ids[0]).distinct().toArray();
        if (tokens.length == 0) {
            int[] ids = model.tokenizer().orElseThrow().encode(text).ids();
            throw ApiException.bad("the text is no single token, but " + study.texts(Arrays.copyOf(ids, Math.min(ids.length, 12))));
        }
        Study.Index index = study.required();
        int n = study.sae.config().dSae();
        double[] sum = new double[n];
        int[] hits = new int[n];
        SparseRows rows = index.corpus().features();
        int occurrences = 0;
        for (int d = 0; d < index.corpus().documents().size(); d++) {
            EncodedText document = index.corpus().text(d);
            for (int p = 0; p < document.size(); p++) {
                int token = document.token(p);
                if (Arrays.stream(tokens).anyMatch(t -> t == token)) {
                    occurrences++;
                    int row = index.corpus().start(d) + p;
                    for (int e = rows.start(row); e < rows.start(row + 1); e++) {
                        sum[rows.index(e)] += rows.value(e);
                        hits[rows.index(e)]++;
                    }
                }
            }
        }
        double[] score = new double[n];
        Arrays.setAll(score, f -> hits[f] == 0 ? 0 : sum[f] * hits[f] / index.columns().active(f));
        int seen = occurrences;
        SortedMap<Integer, Label> named = studies.named(study);
        List<Map<String, @Nullable Object>> promoting = new ArrayList<>();
        index.profiler().promoting(tokens[tokens.length - 1]).ifPresent(effects -> {
            for (int f : Study.largest(effects, FOUND)) {
                Map<String, @Nullable Object> found = Studies.brief(study, named, f);
                found.put("effect", effects[f]);
                promoting.add(found);
            }
        });
        return Json.object("sae", study.number, "tokens", study.texts(tokens), "occurrences", occurrences, "firing",
                Arrays.stream(Study.largest(score, FOUND)).mapToObj(f -> {
                    Map<String, @Nullable Object> found = Studies.brief(study, named, f);
                    found.put("mean", sum[f] / seen);
                    found.put("recall", (double) hits[f] / seen);
                    found.put("precision", (double) hits[f] / index.columns().active(f));
                    return found;
                }).toList(), "promoting", promoting);
    }
}
