package org.sae4j.experiment.specificity.internal;

import java.util.Arrays;
import org.sae4j.api.experiment.EncodedCorpus;

/**
 * Strings of tokens as proxies of labels: {@code ln(P(s|c) / P(s)) = ln(P(c|s) / P(c))}, maximised over strings that end at the token, with
 * P(c|s) counted in all other documents and shrunk by one pseudo-count towards P(c), so that a string seen nowhere else scores 0.
 */
public final class StringProxy {
    private final EncodedCorpus corpus;
    private final int longest;
    private final int[] strings;
    private final int[] counts;

    private StringProxy(EncodedCorpus corpus, int longest, int[] strings, int[] counts) {
        this.corpus = corpus;
        this.longest = longest;
        this.strings = strings;
        this.counts = counts;
    }

    /**
     * Counts all strings of a corpus.
     *
     * @param corpus the corpus
     * @param longest longest string in tokens, at least 1
     * @return the counts
     */
    public static StringProxy of(EncodedCorpus corpus, int longest) {
        int rows = corpus.features().rows();
        long[] hashes = new long[Math.multiplyExact(rows, longest)];
        for (int d = 0; d < corpus.documents().size(); d++) {
            int[] tokens = corpus.tokens(d);
            for (int t = 0; t < tokens.length; t++) {
                long hash = 0;
                for (int length = 1; length <= Math.min(longest, t + 1); length++) {
                    hash = mix(hash + tokens[t - length + 1] + 1);
                    hashes[(corpus.start(d) + t) * longest + length - 1] = hash;
                }
            }
        }
        long[] distinct = Arrays.stream(hashes).filter(h -> h != 0).sorted().distinct().toArray();
        int[] strings = new int[hashes.length];
        int[] counts = new int[distinct.length];
        for (int i = 0; i < hashes.length; i++) {
            strings[i] = hashes[i] == 0 ? -1 : Arrays.binarySearch(distinct, hashes[i]);
            if (strings[i] >= 0) {
                counts[strings[i]]++;
            }
        }
        return new StringProxy(corpus, longest, strings, counts);
    }

    private static long mix(long z) {
        long x = (z ^ z >>> 30) * 0xbf58476d1ce4e5b9L;
        x = (x ^ x >>> 27) * 0x94d049bb133111ebL;
        return x ^ x >>> 31;
    }

    /**
     * The score of every token for one label.
     *
     * @param positive for each document whether it has the label
     * @param prior P(c): the share of tokens in such documents, between 0 and 1
     * @return one score for each token
     */
    public double[] scores(boolean[] positive, double prior) {
        int[] inLabel = new int[counts.length];
        for (int d = 0; d < positive.length; d++) {
            if (positive[d]) {
                count(d, inLabel, 1);
            }
        }
        double[] scores = new double[corpus.features().rows()];
        int[] own = new int[counts.length];
        for (int d = 0; d < positive.length; d++) {
            count(d, own, 1);
            for (int row = corpus.start(d); row < corpus.start(d + 1); row++) {
                double best = Double.NEGATIVE_INFINITY;
                for (int i = row * longest; i < (row + 1) * longest && strings[i] >= 0; i++) {
                    int s = strings[i];
                    double others = counts[s] - own[s];
                    double othersInLabel = inLabel[s] - (positive[d] ? own[s] : 0);
                    best = Math.max(best, (othersInLabel + prior) / (others + 1));
                }
                scores[row] = Math.log(best / prior);
            }
            count(d, own, -1);
        }
        return scores;
    }

    private void count(int document, int[] into, int step) {
        for (int i = corpus.start(document) * longest; i < corpus.start(document + 1) * longest; i++) {
            if (strings[i] >= 0) {
                into[strings[i]] += step;
            }
        }
    }
}
