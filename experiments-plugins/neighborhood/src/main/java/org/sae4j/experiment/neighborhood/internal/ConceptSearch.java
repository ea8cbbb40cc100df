package org.sae4j.experiment.neighborhood.internal;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.neighborhood.NeighborhoodConfig;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Completeness;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Concept;

/** Looks for a feature of every concept (Templeton et al. 2024, "completeness"): one that fires in its documents and in no others. */
public final class ConceptSearch {
    private static final Pattern WORD = Pattern.compile("\\p{L}{3,}");
    private static final int LEAST_DOCUMENTS = 5;

    /**
     * A concept with its documents.
     *
     * @param name the word or label
     * @param isLabel whether it is a label
     * @param member whether each document has it
     * @param size number of documents that have it
     */
    record Target(String name, boolean isLabel, boolean[] member, int size) {}

    private final NeighborhoodConfig config;
    private final List<Target> targets = new ArrayList<>();
    private final List<String> missing = new ArrayList<>();
    private final int documents;

    /**
     * Chooses concepts.
     *
     * @param config the settings
     * @param documents the corpus
     */
    public ConceptSearch(NeighborhoodConfig config, List<Document> documents) {
        this.config = config;
        this.documents = documents.size();
        if (config.concepts().isEmpty()) {
            documents.stream().map(Document::label).filter(l -> !l.isEmpty()).distinct().sorted()
                    .forEach(label -> add(label, true, documents, d -> d.label().equals(label)));
            for (String word : words(documents)) {
                Pattern pattern = pattern(word);
                add(word, false, documents, d -> pattern.matcher(d.text()).find());
            }
        } else {
            for (String word : config.concepts()) {
                Pattern pattern = pattern(word);
                add(word, false, documents, d -> pattern.matcher(d.text()).find());
            }
        }
    }

    private void add(String name, boolean isLabel, List<Document> corpus, java.util.function.Predicate<Document> has) {
        boolean[] member = new boolean[corpus.size()];
        int size = 0;
        for (int d = 0; d < member.length; d++) {
            member[d] = has.test(corpus.get(d));
            size += member[d] ? 1 : 0;
        }
        if (size > 0 && size < member.length) {
            targets.add(new Target(name, isLabel, member, size));
        } else {
            missing.add(name);
        }
    }

    /** A word as a whole; in scripts that write no spaces, anywhere. */
    private static Pattern pattern(String word) {
        boolean spaced = word.codePoints().noneMatch(Character::isIdeographic);
        String quoted = Pattern.quote(word);
        return Pattern.compile(spaced ? "(?<!\\p{L})" + quoted + "(?!\\p{L})" : quoted,
                Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE);
    }

    /** Words of at least 5 documents, evenly spaced over their ranking by number of documents. */
    private List<String> words(List<Document> corpus) {
        Map<String, Integer> counts = new TreeMap<>();
        for (Document document : corpus) {
            TreeSet<String> seen = new TreeSet<>();
            Matcher matcher = WORD.matcher(document.text().toLowerCase(Locale.ROOT));
            while (matcher.find()) {
                if (matcher.group().codePoints().noneMatch(Character::isIdeographic)) {
                    seen.add(matcher.group());
                }
            }
            seen.forEach(word -> counts.merge(word, 1, Integer::sum));
        }
        List<String> ranked = counts.entrySet().stream().filter(e -> e.getValue() >= LEAST_DOCUMENTS && e.getValue() <= corpus.size() / 2)
                .sorted(Comparator.comparing((Map.Entry<String, Integer> e) -> -e.getValue()).thenComparing(Map.Entry::getKey))
                .map(Map.Entry::getKey).toList();
        int taken = Math.min(config.automaticConcepts(), ranked.size());
        return IntStream.range(0, taken).mapToObj(i -> ranked.get((int) ((long) i * ranked.size() / taken))).toList();
    }

    /** {@return given concepts that no document has, or all} */
    public List<String> missing() {
        return missing;
    }

    /** {@return whether there is a concept to look for} */
    public boolean hasConcepts() {
        return !targets.isEmpty();
    }

    /**
     * Searches the features of one autoencoder.
     *
     * @param autoencoder its number
     * @param maxima its largest activations by document
     * @param random where shuffled sets and resamples come from
     * @param progress told of every hundredth feature
     * @return what has a feature
     */
    public Completeness search(int autoencoder, DocumentMaxima maxima, CounterRandom random, Progress progress) {
        List<boolean[]> shuffled = targets.stream().map(t -> shuffle(t.member(), random.stream("shuffle").stream(t.name()))).toList();
        double[] best = new double[targets.size()];
        double[] bestShuffled = new double[targets.size()];
        int[] feature = new int[targets.size()];
        for (int f = 0; f < maxima.features(); f++) {
            if (f % 100 == 0) {
                progress.checkCancelled();
                progress.update("searching concepts", f, maxima.features());
            }
            for (int t = 0; t < best.length; t++) {
                int size = targets.get(t).size();
                double f1 = maxima.bestF1(f, targets.get(t).member(), size);
                if (f1 > best[t]) {
                    best[t] = f1;
                    feature[t] = f;
                }
                bestShuffled[t] = Math.max(bestShuffled[t], maxima.bestF1(f, shuffled.get(t), size));
            }
        }
        List<Concept> concepts = IntStream.range(0, best.length).mapToObj(t -> new Concept(targets.get(t).name(), targets.get(t).isLabel(),
                targets.get(t).size(), feature[t], best[t], bestShuffled[t])).toList();
        double[] found = IntStream.range(0, best.length).mapToDouble(t -> best[t] >= config.conceptF1() ? 1 : 0).toArray();
        double[] chance = IntStream.range(0, best.length).mapToDouble(t -> bestShuffled[t] >= config.conceptF1() ? 1 : 0).toArray();
        return new Completeness(autoencoder, maxima.features(), concepts, Statistics.comparePairs(found, chance, config.resamples(),
                "concepts", random.stream("interval")));
    }

    private boolean[] shuffle(boolean[] member, CounterRandom random) {
        boolean[] shuffled = member.clone();
        for (int i = documents - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            boolean swap = shuffled[i];
            shuffled[i] = shuffled[j];
            shuffled[j] = swap;
        }
        return shuffled;
    }
}
