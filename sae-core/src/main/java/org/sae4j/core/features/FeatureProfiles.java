package org.sae4j.core.features;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.experiment.Fact;
import org.sae4j.api.lab.LabelScores;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.TextEncoder;

/**
 * Features of an autoencoder with what they are about, as in the dashboards of Bricken et al. 2023, "Towards Monosemanticity".
 *
 * @param model the model's name
 * @param hook where the autoencoder's input comes from
 * @param dSae number of features of the autoencoder
 * @param documents number of documents
 * @param tokens number of tokens
 * @param labels labels of the documents in order of first appearance, without the empty one
 * @param directPath the matrices between a feature and the logits; empty if there is no direct linear path
 * @param settings how much is shown
 * @param features one profile for each feature, in the order of asking
 */
public record FeatureProfiles(String model, String hook, int dSae, int documents, int tokens, List<String> labels,
        String directPath, ProfileSettings settings, List<FeatureProfile> features) {
    /** Copies the lists. */
    public FeatureProfiles {
        labels = List.copyOf(labels);
        features = List.copyOf(features);
    }

    /**
     * Profiles features. The same arguments give the same result.
     *
     * @param model the model, with a tokenizer
     * @param sae its autoencoder
     * @param scores of the documents that model and autoencoder encoded
     * @param features numbers of features, each once
     * @param facts facts to ask for with and without each feature; empty for none
     * @param settings how much is shown
     * @param progress told of every feature
     * @return the profiles
     * @throws Sae4jException if there is no such feature, the corpus holds no token, or model and autoencoder do not fit
     * @throws java.util.concurrent.CancellationException if cancelled
     */
    public static FeatureProfiles compute(Transformer model, SparseAutoencoder sae, LabelScores scores, int[] features, List<Fact> facts,
            ProfileSettings settings, Progress progress) {
        HookPoint hook = TextEncoder.hookOf(model, sae);
        HookPoint output = TextEncoder.outputOf(model, sae);
        int dSae = sae.config().dSae();
        EncodedCorpus corpus = scores.corpus();
        Set<Integer> once = new LinkedHashSet<>();
        for (int feature : features) {
            if (feature < 0 || feature >= dSae) {
                throw new Sae4jException("no feature " + feature + ", only 0 to " + (dSae - 1), "the features to profile",
                        "choose features of this autoencoder");
            }
            once.add(feature);
        }
        FeatureProfiler profiler = new FeatureProfiler(model, sae, scores, facts, settings, progress);
        List<FeatureProfile> profiles = new ArrayList<>();
        for (int feature : once) {
            progress.checkCancelled();
            progress.update("profiling features", profiles.size(), once.size());
            profiles.add(profiler.profile(feature));
        }
        progress.update("profiling features", once.size(), once.size());
        return new FeatureProfiles(model.config().name(), hook.equals(output) ? hook.toString() : hook + " to " + output, dSae, corpus.documents().size(), corpus.features().rows(),
                scores.labels(), profiler.directPath(), settings, profiles);
    }

    /**
     * The best detectors of each label, in the order of the labels and without repetition.
     *
     * @param scores of all features
     * @param count how many of each label
     * @return numbers of features, as {@link LabelScores#best} finds them
     */
    public static int[] best(LabelScores scores, int count) {
        return scores.labels().stream().flatMapToInt(label -> Arrays.stream(scores.best(label, count))).distinct().toArray();
    }

    /**
     * Features drawn at random from those that are active somewhere.
     *
     * @param scores of all features
     * @param count how many at most
     * @param seed of the draw
     * @return numbers of features, ascending
     */
    public static int[] sample(LabelScores scores, int count, long seed) {
        int[] alive = scores.alive();
        CounterRandom random = new CounterRandom(seed).stream("feature sample");
        int n = Math.min(count, alive.length);
        for (int i = 0; i < n; i++) {
            int other = i + random.nextInt(alive.length - i);
            int drawn = alive[other];
            alive[other] = alive[i];
            alive[i] = drawn;
        }
        return IntStream.range(0, n).map(i -> alive[i]).sorted().toArray();
    }
}
