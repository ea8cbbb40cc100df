package org.sae4j.experiment.specificity;

import java.util.List;
import org.sae4j.api.experiment.Param;

/**
 * Settings of {@link SpecificityExperiment}.
 *
 * @param features features to study in detail
 * @param labels labels to report
 * @param details how many detectors get figures of their own
 * @param topFeatures how many features of each label are listed
 * @param resamples bootstrap resamples of each interval
 * @param falseDiscoveryRate bound q of Benjamini and Hochberg
 * @param proxyTokens longest string ending at a token, in tokens, that a proxy looks at
 * @param scriptPrior probability of a script's strings, or 0 to measure it in the corpus
 * @param intervals number of equal activation intervals that examples are drawn from
 * @param examplesPerInterval examples drawn from each interval
 * @param contextTokens tokens shown on each side of an example
 * @param sentences equivalent sentences that the detectors are compared on
 */
public record SpecificityConfig(
        @Param("features to study in detail; empty for the best feature of every label") List<Integer> features,
        @Param("labels to report; empty for all labels of the corpus") List<String> labels,
        @Param(value = "how many detectors get figures of their own, labels with a script first", min = 1, max = 100) int details,
        @Param(value = "how many features of each label are listed", min = 1, max = 1000) int topFeatures,
        @Param(value = "bootstrap resamples of each interval", min = 100, max = 100_000) int resamples,
        @Param(value = "false discovery rate across all features and labels", min = 0, max = 1) double falseDiscoveryRate,
        @Param(value = "longest string that a proxy score looks at", unit = "tokens", min = 1, max = 64) int proxyTokens,
        @Param(value = "probability that a string is of the script; 0 to measure it in the corpus", min = 0, max = 1) double scriptPrior,
        @Param(value = "equal activation intervals that examples are drawn from", min = 1, max = 50) int intervals,
        @Param(value = "examples drawn from each activation interval", min = 1, max = 50) int examplesPerInterval,
        @Param(value = "tokens shown on each side of an example", unit = "tokens", min = 0, max = 1000) int contextTokens,
        @Param("equivalent sentences that the detectors are compared on") List<Sentence> sentences) {

    /**
     * One of several sentences that mean the same.
     *
     * @param label its language or other category
     * @param text the sentence
     */
    public record Sentence(
            @Param("the sentence's category, such as its language") String label,
            @Param("the sentence") String text) {}

    /** Copies the lists. */
    public SpecificityConfig {
        features = List.copyOf(features);
        labels = List.copyOf(labels);
        sentences = List.copyOf(sentences);
    }

    /** {@return the settings that are used where the user sets nothing} */
    public static SpecificityConfig defaults() {
        return new SpecificityConfig(List.of(), List.of(), 4, 10, 1000, 0.05, 8, 0, 5, 2, 12, List.of(
                new Sentence("english", "The cat slept under the tree today."),
                new Sentence("english", "The dog ran near the river in the morning."),
                new Sentence("english", "The lion waited behind the house at night."),
                new Sentence("chinese", "今天，猫在树下面睡。"),
                new Sentence("chinese", "早上，狗在河旁边跑。"),
                new Sentence("chinese", "晚上，狮子在房子后面等。"),
                new Sentence("arabic", "نام القط تحت الشجرة اليوم."),
                new Sentence("arabic", "ركض الكلب قرب النهر في الصباح."),
                new Sentence("arabic", "انتظر الأسد خلف البيت في الليل."),
                new Sentence("french", "Le chat a dormi sous l'arbre aujourd'hui."),
                new Sentence("french", "Le chien a couru près du fleuve le matin."),
                new Sentence("french", "Le lion a attendu derrière la maison la nuit."),
                new Sentence("spanish", "El gato durmió debajo del árbol hoy."),
                new Sentence("spanish", "El perro corrió cerca del río por la mañana."),
                new Sentence("spanish", "El león esperó detrás de la casa por la noche.")));
    }
}
