package org.sae4j.serve;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.lab.LabelScores;
import org.sae4j.core.features.FeatureLabels.Label;

/**
 * The autoencoders of a server, by number, and the names of their features.
 *
 * @param list by number
 * @param labels what people call features
 */
record Studies(List<Study> list, LabelStore labels) {
    Study get(int number) {
        return list.get(number);
    }

    Study study(Request request) {
        return list.get(request.number("sae", 0, 0, list.size() - 1));
    }

    Study study(Request.Sent sent) {
        return list.get(sent.number("sae", 0, 0, list.size() - 1));
    }

    int feature(Study study, Request request) {
        return study.checked(request.number("feature", -1, Integer.MIN_VALUE, Integer.MAX_VALUE));
    }

    /** {@return what people call the features of an autoencoder} */
    SortedMap<Integer, Label> named(Study study) {
        return labels.of(study.sae.fingerprint());
    }

    /** What stands beside a feature's number wherever it is named. */
    static Map<String, @Nullable Object> brief(Study study, SortedMap<Integer, Label> named, int feature) {
        Label own = named.get(feature);
        Map<String, @Nullable Object> brief = Json.object("feature", feature, "name", own == null ? "" : own.text());
        study.index().ifPresent(index -> {
            brief.put("density", index.density(feature));
            brief.put("max", index.max()[feature]);
            brief.put("label", detects(index, feature) ? index.label()[feature] : "");
        });
        return brief;
    }

    /** Whether a feature finds one label so well that it may have its name. */
    static boolean detects(Study.Index index, int feature) {
        return index.auroc()[feature] >= LabelScores.NAMED;
    }

    static Map<Integer, String> names(SortedMap<Integer, Label> named, int[] features) {
        Map<Integer, String> names = new LinkedHashMap<>();
        for (int feature : features) {
            Label label = named.get(feature);
            if (label != null && !label.text().isEmpty()) {
                names.put(feature, label.text());
            }
        }
        return names;
    }
}
