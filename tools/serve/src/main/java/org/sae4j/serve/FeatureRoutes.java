package org.sae4j.serve;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.function.IntPredicate;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.lab.FeatureColumns;
import org.sae4j.core.features.FeatureLabels.Label;
import org.sae4j.core.features.FeatureProfile;

/** One feature, and all of them. */
final class FeatureRoutes {
    private static final int NEURONS = 10;

    private final Studies studies;

    FeatureRoutes(Studies studies) {
        this.studies = studies;
    }

    Map<String, @Nullable Object> feature(Request request) {
        Study study = studies.study(request);
        int feature = studies.feature(study, request);
        Study.Index index = study.required();
        SortedMap<Integer, Label> named = studies.named(study);
        Map<String, @Nullable Object> answer = Studies.brief(study, named, feature);
        Label own = named.get(feature);
        answer.put("note", own == null ? "" : own.note());
        answer.put("rating", own == null ? OptionalInt.empty() : own.rating());
        FeatureProfile profile = index.profiler().outline(feature);
        answer.put("profile", profile);
        answer.put("names", Studies.names(named, profile.neighbors().stream().mapToInt(FeatureProfile.Neighbor::feature).toArray()));
        return answer;
    }

    Map<String, @Nullable Object> removal(Request request) {
        Study study = studies.study(request);
        int feature = studies.feature(study, request);
        return Json.object("feature", feature, "removal", study.required().profiler().removal(feature));
    }

    Map<String, @Nullable Object> neurons(Request request) {
        Study study = studies.study(request);
        int feature = studies.feature(study, request);
        study.required();
        return Json.object("feature", feature, "ready", study.neurons().isPresent(), "correlated",
                study.neurons().map(n -> n.of(feature, NEURONS)).orElse(List.of()));
    }

    Api.Reply activations(Request request) {
        Study study = studies.study(request);
        int feature = studies.feature(study, request);
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
        return new Api.Reply("text/csv; charset=utf-8", csv.toString().getBytes(StandardCharsets.UTF_8),
                Optional.of("feature-" + feature + "-activations.csv"));
    }

    private static String quoted(String text) {
        // A spreadsheet would run a cell that begins like a formula.
        String safe = !text.isEmpty() && "=+-@\t\r".indexOf(text.charAt(0)) >= 0 ? "'" + text : text;
        return "\"" + safe.replace("\"", "\"\"") + "\"";
    }

    Map<String, @Nullable Object> features(Request request) {
        Study study = studies.study(request);
        Study.Index index = study.required();
        SortedMap<Integer, Label> named = studies.named(study);
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
                && (!onlyNamed || named.containsKey(f)) && (label.isEmpty() || label.equals(index.label()[f]) && Studies.detects(index, f))
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
        int count = request.number("count", 100, 1, Api.MOST_ROWS);
        return Json.object("sae", study.number, "total", all.length, "from", from, "features",
                Arrays.stream(all).skip(from).limit(count).mapToObj(f -> row(study, index, named, f)).toList());
    }

    private static boolean matches(Study.Index index, SortedMap<Integer, Label> named, int feature, String query) {
        Label own = named.get(feature);
        return Integer.toString(feature).equals(query)
                || own != null && (own.text() + "\n" + own.note()).toLowerCase(Locale.ROOT).contains(query)
                || Studies.detects(index, feature) && index.label()[feature].toLowerCase(Locale.ROOT).contains(query);
    }

    private static Map<String, @Nullable Object> row(Study study, Study.Index index, SortedMap<Integer, Label> named, int feature) {
        Map<String, @Nullable Object> row = Studies.brief(study, named, feature);
        Label own = named.get(feature);
        row.put("rating", own == null ? OptionalInt.empty() : own.rating());
        row.put("active", index.columns().active(feature));
        row.put("mean", index.mean()[feature]);
        row.put("best_label", index.label()[feature]);
        row.put("auroc", index.auroc()[feature]);
        return row;
    }

    Map<String, @Nullable Object> promoted(Request request) {
        Study study = studies.study(request);
        study.required();
        Map<Integer, List<String>> tokens = new LinkedHashMap<>();
        numbers(study, request.text("features", "")).forEach(f -> tokens.put(f, study.promoted(f)));
        return Json.object("promoted", tokens);
    }

    /** Numbers of features that stand in an address, separated by commas. */
    private static IntStream numbers(Study study, String list) {
        String[] asked = list.isEmpty() ? new String[0] : list.split(",");
        if (asked.length > Api.MOST_ROWS) {
            throw ApiException.bad("at most " + Api.MOST_ROWS + " features at once, found " + asked.length);
        }
        return Arrays.stream(asked).mapToInt(feature -> {
            if (!feature.matches("[0-9]{1,9}")) {
                throw ApiException.bad("features are numbers, found " + feature);
            }
            return study.checked(Integer.parseInt(feature));
        });
    }

    Map<String, @Nullable Object> map(Request request) {
        Study study = studies.study(request);
        Study.Index index = study.required();
        FeatureMap map = study.map().orElseThrow(() -> new ApiException(409,
                FeatureMap.possible(index.scores().alive().length) ? "the map is being drawn"
                        : "there is no map of so many or so few features"));
        return Json.object("features", map.features(), "x", map.x(), "y", map.y(), "density",
                Arrays.stream(map.features()).mapToDouble(index::density).toArray(), "label", Arrays.stream(map.features())
                        .mapToObj(f -> Studies.detects(index, f) ? index.label()[f] : "").toList(), "names",
                Studies.names(studies.named(study), map.features()));
    }
}
