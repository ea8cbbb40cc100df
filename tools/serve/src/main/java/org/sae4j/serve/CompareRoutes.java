package org.sae4j.serve;

import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.sae4j.core.evaluate.Evaluation;
import org.sae4j.core.features.FeatureLabels.Label;

/** Several autoencoders side by side. */
final class CompareRoutes {
    private final Studies studies;
    private final Map<Long, double[][]> matches = new HashMap<>();

    CompareRoutes(Studies studies) {
        this.studies = studies;
    }

    Map<String, @Nullable Object> compare(Request request) {
        Study study = studies.study(request);
        Study other = studies.get(request.number("other", 0, 0, studies.list().size() - 1));
        if (study.sae.config().dOut() != other.sae.config().dOut() || !study.sae.config().hookOut().equals(other.sae.config().hookOut())) {
            throw ApiException.bad("directions can be compared at one hook point alone, found " + study.sae.config().hookOut().orElseThrow()
                    + " and " + other.sae.config().hookOut().orElseThrow());
        }
        double[][] best;
        synchronized (matches) {
            best = matches.computeIfAbsent((long) study.number << 32 | other.number, key -> study.matches(other));
        }
        SortedMap<Integer, Label> own = studies.named(study);
        SortedMap<Integer, Label> theirs = studies.named(other);
        int from = request.number("from", 0, 0, Integer.MAX_VALUE);
        int count = request.number("count", 100, 1, Api.MOST_ROWS);
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
                        Studies.brief(study, own, f), "match", Studies.brief(other, theirs, (int) best[0][f]))).toList());
    }

    Map<String, @Nullable Object> evaluations() {
        return Json.object("evaluations", studies.list().stream().map(study -> {
            Optional<Evaluation> evaluation = study.evaluation();
            return Json.object("sae", study.number, "name", study.name, "ready", evaluation.isPresent(), "tokens",
                    evaluation.map(Evaluation::tokens), "l0", evaluation.map(Evaluation::l0), "explained_variance",
                    evaluation.map(Evaluation::explainedVariance), "ce_recovered",
                    evaluation.flatMap(Evaluation::recovered).map(Evaluation.Recovered::ceRecovered), "dead",
                    evaluation.map(Evaluation::dead), "d_sae", study.sae.config().dSae());
        }).toList());
    }
}
