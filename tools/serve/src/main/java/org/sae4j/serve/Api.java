package org.sae4j.serve;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SortedMap;
import java.util.function.BooleanSupplier;
import java.util.function.IntPredicate;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.lab.FeatureColumns;
import org.sae4j.api.lab.LabelScores;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.EncodedText;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.core.Sae4j;
import org.sae4j.core.evaluate.Evaluation;
import org.sae4j.core.features.FeatureLabels;
import org.sae4j.core.features.FeatureLabels.Label;
import org.sae4j.core.features.FeatureProfile;

/** What the page asks for; docs/serve-api.md describes it, and it stays as it is there. */
final class Api implements AutoCloseable {
    private static final int MOST_CHARACTERS = 20_000;
    private static final int TEXT_FEATURES = 600;
    private static final int FEATURES_PER_TOKEN = 48;
    private static final int FOUND = 40;
    private static final int MOST_ROWS = 500;
    private static final int MOST_IMPORT_BYTES = 1 << 25;
    private static final int NEURONS = 10;
    private static final String JSON = "application/json; charset=utf-8";

    /** What a path and a method lead to. */
    sealed interface Route permits Answered, Streamed {
        /** {@return the most bytes that can be sent to it} */
        default int mostBytes() {
            return Gate.MOST_BYTES;
        }
    }

    /** Answers with one document. */
    @FunctionalInterface
    non-sealed interface Answered extends Route {
        Reply answer(Request request) throws Exception;
    }

    /** Answers with events as they come; a wish that is refused is refused before the answer begins. */
    @FunctionalInterface
    non-sealed interface Streamed extends Route {
        Stream prepare(Request request);
    }

    /** Sends its events. */
    @FunctionalInterface
    interface Stream {
        void run(Continuations.Events events) throws IOException;
    }

    /** A document. */
    record Reply(String type, byte[] bytes, Optional<String> fileName) {
        static Reply json(Map<String, @Nullable Object> object) {
            return new Reply(JSON, Json.write(object).getBytes(StandardCharsets.UTF_8), Optional.empty());
        }
    }

    private final Transformer model;
    private final List<Study> studies;
    private final LabelStore labels;
    private final Optional<TrainingWatch> watch;
    private final Set<Integer> ends;
    private final BooleanSupplier stopping;
    private final Busy quick = new Busy(2, 256);
    private final Busy continuing = new Busy(2, 6);
    private final Map<String, Route> routes = new LinkedHashMap<>();
    private final Map<Long, double[][]> matches = new HashMap<>();

    Api(Transformer model, List<Study> studies, LabelStore labels, Optional<TrainingWatch> watch, Set<Integer> ends,
            BooleanSupplier stopping) {
        this.model = model;
        this.studies = studies;
        this.labels = labels;
        this.watch = watch;
        this.ends = ends;
        this.stopping = stopping;
        get("status", request -> Reply.json(status()));
        computing("POST text", request -> Reply.json(text(request.sent())));
        computing("GET feature", request -> Reply.json(feature(request)));
        computing("GET feature/removal", request -> Reply.json(removal(request)));
        computing("GET feature/neurons", request -> Reply.json(neurons(request)));
        computing("GET feature/activations.csv", this::activations);
        computing("GET features", request -> Reply.json(features(request)));
        computing("GET features/promoted", request -> Reply.json(promoted(request)));
        computing("GET features/map", request -> Reply.json(map(request)));
        computing("POST search/texts", request -> Reply.json(searchTexts(request.sent())));
        computing("GET search/token", request -> Reply.json(searchToken(request)));
        computing("GET compare", request -> Reply.json(compare(request)));
        get("evaluations", request -> Reply.json(evaluations()));
        get("labels", request -> Reply.json(labels(study(request))));
        routes.put("PUT labels", (Answered) request -> Reply.json(putLabel(request.sent())));
        get("labels/neuronpedia", this::exportLabels);
        routes.put("POST labels/neuronpedia", new Answered() {
            @Override
            public Reply answer(Request request) {
                return Reply.json(importLabels(request));
            }

            @Override
            public int mostBytes() {
                return MOST_IMPORT_BYTES;
            }
        });
        get("training", request -> Reply.json(watch.map(TrainingWatch::now).orElseThrow(
                () -> new ApiException(404, "no training is watched: start the server with --watch DIR"))));
        routes.put("POST steer", (Streamed) request -> steer(request.sent()));
    }

    private void get(String path, Answered answered) {
        routes.put("GET " + path, answered);
    }

    /** What runs a model or walks over the corpus waits for its turn. */
    private void computing(String route, Answered answered) {
        routes.put(route, (Answered) request -> quick.run(() -> answered.answer(request)));
    }

    Route route(String path, String method) {
        Route route = routes.get(method + " " + path);
        if (route != null) {
            return route;
        }
        List<String> other = routes.keySet().stream().filter(r -> r.endsWith(" " + path)).map(r -> r.substring(0, r.indexOf(' '))).toList();
        throw other.isEmpty() ? new ApiException(404, "the API has no " + path)
                : new ApiException(405, path + " is asked for with " + String.join(" or ", other));
    }

    @Override
    public void close() {
        quick.close();
        continuing.close();
    }

    private Study study(Request request) {
        return studies.get(request.number("sae", 0, 0, studies.size() - 1));
    }

    private Study study(Request.Sent sent) {
        return studies.get(sent.number("sae", 0, 0, studies.size() - 1));
    }

    private int feature(Study study, Request request) {
        return study.checked(request.number("feature", -1, Integer.MIN_VALUE, Integer.MAX_VALUE));
    }

    private Map<String, @Nullable Object> status() {
        return Json.object("sae4j", Sae4j.version(), "model", Json.object("name", model.config().name(), "layers", model.config().nLayers(),
                "d_model", model.config().dModel(), "context", model.config().nCtx(), "vocabulary", model.config().dVocab()),
                "autoencoders", studies.stream().map(this::describe).toList(), "labels_file", labels.file().getFileName().toString(),
                "training", watch.isPresent());
    }

    private Map<String, @Nullable Object> describe(Study study) {
        Map<String, @Nullable Object> described = Json.object("sae", study.number, "name", study.name, "fingerprint",
                study.sae.fingerprint(),
                "architecture", study.sae.config().architecture().name(), "hook", study.sae.config().hook().map(Object::toString), "d_in",
                study.sae.config().dIn(), "d_sae", study.sae.config().dSae(), "state", study.state(), "map", study.map().isPresent(),
                "neurons", study.neurons().isPresent());
        study.index().ifPresent(index -> {
            int alive = index.scores().alive().length;
            described.put("corpus", Json.object("documents", index.corpus().documents().size(), "tokens", index.columns().rows(), "labels",
                    index.scores().labels(), "active_features", alive, "direct_path", index.profiler().directPath()));
        });
        return described;
    }

    // Texts

    private Map<String, @Nullable Object> text(Request.Sent sent) {
        Study study = study(sent);
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
        SortedMap<Integer, Label> named = labels.of(study.sae.fingerprint());
        List<Map<String, @Nullable Object>> strongest = byFeature.entrySet().stream()
                .sorted(Comparator.<Map.Entry<Integer, double[]>>comparingDouble(e -> -e.getValue()[0]).thenComparing(Map.Entry::getKey))
                .limit(TEXT_FEATURES).map(e -> {
                    Map<String, @Nullable Object> feature = brief(study, named, e.getKey());
                    feature.put("activation", e.getValue()[0]);
                    feature.put("at", (int) e.getValue()[1]);
                    feature.put("tokens", (int) e.getValue()[2]);
                    return feature;
                }).toList();
        return Json.object("sae", study.number, "left_out", encoded.leftOut(), "active_features", byFeature.size(), "tokens", tokens,
                "features", strongest);
    }

    /** What stands beside a feature's number wherever it is named. */
    private static Map<String, @Nullable Object> brief(Study study, SortedMap<Integer, Label> named, int feature) {
        Label own = named.get(feature);
        Map<String, @Nullable Object> brief = Json.object("feature", feature, "name", own == null ? "" : own.text());
        study.index().ifPresent(index -> {
            brief.put("density", index.density(feature));
            brief.put("max", index.max()[feature]);
            brief.put("label", named(index, feature) ? index.label()[feature] : "");
        });
        return brief;
    }

    private static boolean named(Study.Index index, int feature) {
        return index.auroc()[feature] >= LabelScores.NAMED;
    }

    // One feature

    private Map<String, @Nullable Object> feature(Request request) {
        Study study = study(request);
        int feature = feature(study, request);
        Study.Index index = study.required();
        SortedMap<Integer, Label> named = labels.of(study.sae.fingerprint());
        Map<String, @Nullable Object> answer = brief(study, named, feature);
        Label own = named.get(feature);
        answer.put("note", own == null ? "" : own.note());
        answer.put("rating", own == null ? OptionalInt.empty() : own.rating());
        FeatureProfile profile = index.profiler().outline(feature);
        answer.put("profile", profile);
        answer.put("names", names(named, profile.neighbors().stream().mapToInt(FeatureProfile.Neighbor::feature).toArray()));
        return answer;
    }

    private static Map<Integer, String> names(SortedMap<Integer, Label> named, int[] features) {
        Map<Integer, String> names = new LinkedHashMap<>();
        for (int feature : features) {
            Label label = named.get(feature);
            if (label != null && !label.text().isEmpty()) {
                names.put(feature, label.text());
            }
        }
        return names;
    }

    private Map<String, @Nullable Object> removal(Request request) {
        Study study = study(request);
        int feature = feature(study, request);
        return Json.object("feature", feature, "removal", study.required().profiler().removal(feature));
    }

    private Map<String, @Nullable Object> neurons(Request request) {
        Study study = study(request);
        int feature = feature(study, request);
        study.required();
        return Json.object("feature", feature, "ready", study.neurons().isPresent(), "correlated",
                study.neurons().map(n -> n.of(feature, NEURONS)).orElse(List.of()));
    }

    private Reply activations(Request request) {
        Study study = study(request);
        int feature = feature(study, request);
        Study.Index index = study.required();
        FeatureColumns columns = index.columns();
        StringBuilder csv = new StringBuilder("document,label,position,token_id,token,activation\r\n");
        for (int e = columns.start(feature); e < columns.start(feature + 1); e++) {
            int row = columns.row(e);
            int document = index.corpus().documentOf(row);
            int position = row - index.corpus().start(document);
            int token = index.corpus().text(document).token(position);
            csv.append(document).append(',').append(quoted(index.corpus().documents().get(document).label())).append(',').append(position)
                    .append(',').append(token).append(',').append(quoted(study.texts(new int[] {token}).getFirst())).append(',')
                    .append(columns.value(e)).append("\r\n");
        }
        return new Reply("text/csv; charset=utf-8", csv.toString().getBytes(StandardCharsets.UTF_8),
                Optional.of("feature-" + feature + "-activations.csv"));
    }

    private static String quoted(String text) {
        // A spreadsheet would run a cell that begins like a formula.
        String safe = !text.isEmpty() && "=+-@\t\r".indexOf(text.charAt(0)) >= 0 ? "'" + text : text;
        return "\"" + safe.replace("\"", "\"\"") + "\"";
    }

    // All features

    private Map<String, @Nullable Object> features(Request request) {
        Study study = study(request);
        Study.Index index = study.required();
        SortedMap<Integer, Label> named = labels.of(study.sae.fingerprint());
        String query = request.text("query", "").strip().toLowerCase(Locale.ROOT);
        OptionalDouble least = request.real("min_density");
        OptionalDouble most = request.real("max_density");
        boolean dead = request.text("dead", "false").equals("true");
        boolean onlyNamed = request.text("named", "false").equals("true");
        String label = request.text("label", "");
        BitSet only = new BitSet();
        numbers(study, request.text("only", "")).forEach(only::set);
        IntPredicate shown = f -> (only.isEmpty() || only.get(f))
                && (dead || index.columns().active(f) > 0 || query.equals(Integer.toString(f)))
                && (least.isEmpty() || index.density(f) >= least.getAsDouble())
                && (most.isEmpty() || index.density(f) <= most.getAsDouble())
                && (!onlyNamed || named.containsKey(f)) && (label.isEmpty() || label.equals(index.label()[f]) && named(index, f))
                && (query.isEmpty() || matches(index, named, f, query));
        IntToDoubleFunction key = switch (request.text("sort", "density")) {
            case "feature" -> f -> f;
            case "density" -> index::density;
            case "max" -> f -> index.max()[f];
            case "mean" -> f -> index.mean()[f];
            case "auroc" -> f -> Double.isNaN(index.auroc()[f]) || index.columns().active(f) == 0 ? -1 : index.auroc()[f];
            case "rating" -> f -> Optional.ofNullable(named.get(f)).map(l -> l.rating().orElse(0)).orElse(-1);
            default -> throw ApiException.bad("sort is feature, density, max, mean, auroc or rating");
        };
        boolean ascending = request.text("order", "descending").equals("ascending");
        int[] all = IntStream.range(0, study.sae.config().dSae()).filter(shown).boxed()
                .sorted(Comparator.<Integer>comparingDouble(f -> ascending ? key.applyAsDouble(f) : -key.applyAsDouble(f))
                        .thenComparing(Comparator.naturalOrder())).mapToInt(Integer::intValue).toArray();
        int from = request.number("from", 0, 0, Integer.MAX_VALUE);
        int count = request.number("count", 100, 1, MOST_ROWS);
        return Json.object("sae", study.number, "total", all.length, "from", from, "features",
                Arrays.stream(all).skip(from).limit(count).mapToObj(f -> row(study, index, named, f)).toList());
    }

    private static boolean matches(Study.Index index, SortedMap<Integer, Label> named, int feature, String query) {
        Label own = named.get(feature);
        return Integer.toString(feature).equals(query)
                || own != null && (own.text() + "\n" + own.note()).toLowerCase(Locale.ROOT).contains(query)
                || named(index, feature) && index.label()[feature].toLowerCase(Locale.ROOT).contains(query);
    }

    private static Map<String, @Nullable Object> row(Study study, Study.Index index, SortedMap<Integer, Label> named, int feature) {
        Map<String, @Nullable Object> row = brief(study, named, feature);
        Label own = named.get(feature);
        row.put("rating", own == null ? OptionalInt.empty() : own.rating());
        row.put("active", index.columns().active(feature));
        row.put("mean", index.mean()[feature]);
        row.put("best_label", index.label()[feature]);
        row.put("auroc", index.auroc()[feature]);
        return row;
    }

    private Map<String, @Nullable Object> promoted(Request request) {
        Study study = study(request);
        study.required();
        Map<Integer, List<String>> tokens = new LinkedHashMap<>();
        numbers(study, request.text("features", "")).forEach(f -> tokens.put(f, study.promoted(f)));
        return Json.object("promoted", tokens);
    }

    /** Numbers of features that stand in an address, separated by commas. */
    private static IntStream numbers(Study study, String list) {
        String[] asked = list.isEmpty() ? new String[0] : list.split(",");
        if (asked.length > MOST_ROWS) {
            throw ApiException.bad("at most " + MOST_ROWS + " features at once, found " + asked.length);
        }
        return Arrays.stream(asked).mapToInt(feature -> {
            if (!feature.matches("[0-9]{1,9}")) {
                throw ApiException.bad("features are numbers, found " + feature);
            }
            return study.checked(Integer.parseInt(feature));
        });
    }

    private Map<String, @Nullable Object> map(Request request) {
        Study study = study(request);
        Study.Index index = study.required();
        FeatureMap map = study.map().orElseThrow(() -> new ApiException(409,
                FeatureMap.possible(index.scores().alive().length) ? "the map is being drawn"
                        : "there is no map of so many or so few features"));
        return Json.object("features", map.features(), "x", map.x(), "y", map.y(), "density",
                Arrays.stream(map.features()).mapToDouble(index::density).toArray(), "label", Arrays.stream(map.features())
                        .mapToObj(f -> named(index, f) ? index.label()[f] : "").toList(), "names",
                names(labels.of(study.sae.fingerprint()), map.features()));
    }

    // Searching

    private Map<String, @Nullable Object> searchTexts(Request.Sent sent) {
        Study study = study(sent);
        float[] on = maxima(study, sent.text("on", "", MOST_CHARACTERS));
        float[] off = maxima(study, sent.text("off", "", MOST_CHARACTERS));
        Optional<Study.Index> index = study.index();
        // Strong features would win everywhere: each is measured by its own largest activation, where the corpus tells it.
        double[] score = new double[on.length];
        Arrays.setAll(score, f -> on[f] <= off[f] ? 0 : (on[f] - off[f]) / index.map(i -> Math.max(i.max()[f], on[f])).orElse(1.0));
        SortedMap<Integer, Label> named = labels.of(study.sae.fingerprint());
        return Json.object("sae", study.number, "features", Arrays.stream(Study.largest(score, FOUND)).mapToObj(f -> {
            Map<String, @Nullable Object> found = brief(study, named, f);
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

    private Map<String, @Nullable Object> searchToken(Request request) {
        Study study = study(request);
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
        SortedMap<Integer, Label> named = labels.of(study.sae.fingerprint());
        List<Map<String, @Nullable Object>> promoting = new ArrayList<>();
        index.profiler().promoting(tokens[tokens.length - 1]).ifPresent(effects -> {
            for (int f : Study.largest(effects, FOUND)) {
                Map<String, @Nullable Object> found = brief(study, named, f);
                found.put("effect", effects[f]);
                promoting.add(found);
            }
        });
        return Json.object("sae", study.number, "tokens", study.texts(tokens), "occurrences", occurrences, "firing",
                Arrays.stream(Study.largest(score, FOUND)).mapToObj(f -> {
                    Map<String, @Nullable Object> found = brief(study, named, f);
                    found.put("mean", sum[f] / seen);
                    found.put("recall", (double) hits[f] / seen);
                    found.put("precision", (double) hits[f] / index.columns().active(f));
                    return found;
                }).toList(), "promoting", promoting);
    }

    // Several autoencoders

    private Map<String, @Nullable Object> compare(Request request) {
        Study study = study(request);
        Study other = studies.get(request.number("other", 0, 0, studies.size() - 1));
        if (study.sae.config().dOut() != other.sae.config().dOut() || !study.sae.config().hookOut().equals(other.sae.config().hookOut())) {
            throw ApiException.bad("directions can be compared at one hook point alone, found " + study.sae.config().hookOut().orElseThrow()
                    + " and " + other.sae.config().hookOut().orElseThrow());
        }
        double[][] best;
        synchronized (matches) {
            best = matches.computeIfAbsent((long) study.number << 32 | other.number, key -> study.matches(other));
        }
        SortedMap<Integer, Label> own = labels.of(study.sae.fingerprint());
        SortedMap<Integer, Label> theirs = labels.of(other.sae.fingerprint());
        int from = request.number("from", 0, 0, Integer.MAX_VALUE);
        int count = request.number("count", 100, 1, MOST_ROWS);
        boolean ascending = request.text("order", "descending").equals("ascending");
        int[] alive = study.index().map(i -> i.scores().alive()).orElseGet(() -> IntStream.range(0, best[0].length).toArray());
        int[] order = Arrays.stream(alive).boxed().sorted(Comparator.<Integer>comparingDouble(f -> ascending ? best[1][f] : -best[1][f])
                .thenComparing(Comparator.naturalOrder())).mapToInt(Integer::intValue).toArray();
        long[] histogram = new long[20];
        for (int f : alive) {
            histogram[Math.clamp((long) (20 * best[1][f]), 0, 19)]++;
        }
        return Json.object("sae", study.number, "other", other.number, "total", order.length, "from", from, "mean_cosine",
                Arrays.stream(alive).mapToDouble(f -> best[1][f]).average().orElse(Double.NaN), "above_0_7",
                Arrays.stream(alive).filter(f -> best[1][f] > 0.7).count(), "histogram", histogram, "pairs",
                Arrays.stream(order).skip(from).limit(count).mapToObj(f -> Json.object("cosine", best[1][f], "feature",
                        brief(study, own, f), "match", brief(other, theirs, (int) best[0][f]))).toList());
    }

    private Map<String, @Nullable Object> evaluations() {
        return Json.object("evaluations", studies.stream().map(study -> {
            Optional<Evaluation> evaluation = study.evaluation();
            return Json.object("sae", study.number, "name", study.name, "ready", evaluation.isPresent(), "tokens",
                    evaluation.map(Evaluation::tokens), "l0", evaluation.map(Evaluation::l0), "explained_variance",
                    evaluation.map(Evaluation::explainedVariance), "ce_recovered",
                    evaluation.flatMap(Evaluation::recovered).map(Evaluation.Recovered::ceRecovered), "dead",
                    evaluation.map(Evaluation::dead), "d_sae", study.sae.config().dSae());
        }).toList());
    }

    // Names

    private Map<String, @Nullable Object> labels(Study study) {
        List<Map<String, @Nullable Object>> all = new ArrayList<>();
        labels.of(study.sae.fingerprint()).forEach((feature, label) -> all.add(Json.object("feature", feature, "name", label.text(), "note",
                label.note(), "rating", label.rating(), "density", study.index().filter(i -> feature < study.sae.config().dSae())
                        .map(i -> i.density(feature)))));
        return Json.object("sae", study.number, "file", labels.file().toString(), "fingerprint", study.sae.fingerprint(), "labels", all);
    }

    private Map<String, @Nullable Object> putLabel(Request.Sent sent) {
        Study study = study(sent);
        int feature = study.checked(sent.number("feature", -1, Integer.MIN_VALUE, Integer.MAX_VALUE));
        int rating = sent.number("rating", 0, 0, FeatureLabels.MAX_RATING);
        Label label;
        try {
            label = new Label(sent.text("name", "", Gate.MOST_BYTES), sent.text("note", "", Gate.MOST_BYTES),
                    rating == 0 ? OptionalInt.empty() : OptionalInt.of(rating));
        } catch (IllegalArgumentException e) {
            throw ApiException.bad(String.valueOf(e.getMessage()));
        }
        labels.put(study.sae.fingerprint(), Map.of(feature, label));
        return Json.object("feature", feature, "name", label.text(), "note", label.note(), "rating", label.rating());
    }

    private Reply exportLabels(Request request) throws IOException {
        Study study = study(request);
        Path file = Files.createTempFile("sae-explanations", ".jsonl");
        try {
            labels.all().writeNeuronpedia(file, study.sae.fingerprint(), request.text("model", model.config().name()),
                    request.text("layer", study.name));
            return new Reply("application/jsonl; charset=utf-8", Files.readAllBytes(file), Optional.of("explanations.jsonl"));
        } finally {
            Files.deleteIfExists(file);
        }
    }

    /** What is named here already stays, unless it shall be replaced. */
    private Map<String, @Nullable Object> importLabels(Request request) {
        Study study = study(request);
        try {
            Path file = Files.createTempFile("sae-explanations", ".jsonl");
            try {
                Files.writeString(file, request.body());
                Map<Integer, Label> read = new LinkedHashMap<>(FeatureLabels.readNeuronpedia(file, study.sae.config().dSae()));
                int all = read.size();
                if (!request.text("replace", "false").equals("true")) {
                    read.keySet().removeAll(labels.of(study.sae.fingerprint()).keySet());
                }
                labels.put(study.sae.fingerprint(), read);
                return Json.object("read", all, "taken", read.size(), "kept", all - read.size());
            } finally {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    // Steering

    private Stream steer(Request.Sent sent) {
        Study study = study(sent);
        Continuations continuations = new Continuations(study, ends, stopping);
        Continuations.Wish wish = continuations.wish(sent);
        return events -> {
            try {
                continuing.runLong(() -> {
                    continuations.run(wish, events);
                    return true;
                });
            } catch (IOException | RuntimeException e) {
                throw e;
            } catch (Exception e) {
                Thread.currentThread().interrupt();
            }
        };
    }
}
