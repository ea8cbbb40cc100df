package org.sae4j.experiment.specificity.internal;

import java.lang.Character.UnicodeScript;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.model.Tokenizer;

/**
 * Scripts as proxies of concepts, after Bricken et al. 2023. A string is of a script if it has a letter of it and none of another script;
 * spaces, digits and punctuation belong to any. A token is inside a script if some string that ends at it is.
 */
public final class ScriptProxy {
    /** P(c|s) of a string that is not of the script. */
    public static final double FLOOR = 1e-10;

    private static final double LEAST_F1 = 0.8;

    private final UnicodeScript[] scripts;
    private final UnicodeScript[] own;

    private ScriptProxy(UnicodeScript[] scripts, UnicodeScript[] own) {
        this.scripts = scripts;
        this.own = own;
    }

    /**
     * Finds the script of every token of a corpus.
     *
     * @param corpus the corpus
     * @param tokenizer of its model; a token that is a part of a character counts as that character
     * @param longest longest string in tokens, at least 1
     * @return the scripts
     */
    public static ScriptProxy of(EncodedCorpus corpus, Tokenizer tokenizer, int longest) {
        UnicodeScript[] scripts = new UnicodeScript[corpus.features().rows()];
        UnicodeScript[] all = new UnicodeScript[scripts.length];
        for (int d = 0; d < corpus.documents().size(); d++) {
            String text = corpus.documents().get(d).text();
            Tokenizer.Encoding encoding = tokenizer.encode(text);
            int length = corpus.start(d + 1) - corpus.start(d);
            UnicodeScript[] own = new UnicodeScript[length];
            for (int t = 0; t < length; t++) {
                own[t] = script(text.substring(encoding.starts()[t], encoding.ends()[t]));
                int from = t;
                while (own[from] == UnicodeScript.COMMON && from > 0 && t - from + 1 < longest) {
                    from--;
                }
                scripts[corpus.start(d) + t] = own[from];
                all[corpus.start(d) + t] = own[t];
            }
        }
        return new ScriptProxy(scripts, all);
    }

    /** The one script of a text's letters, COMMON if it has none, UNKNOWN if there are several. */
    static UnicodeScript script(String text) {
        UnicodeScript found = UnicodeScript.COMMON;
        for (int codePoint : text.codePoints().toArray()) {
            UnicodeScript script = UnicodeScript.of(codePoint);
            switch (script) {
                case COMMON, INHERITED, UNKNOWN -> { }
                default -> {
                    if (found != UnicodeScript.COMMON && found != script) {
                        return UnicodeScript.UNKNOWN;
                    }
                    found = script;
                }
            }
        }
        return found;
    }

    /**
     * The score of a token: {@code ln(P(s|c) / P(s))}, maximised over strings s that end at it. By Bayes' rule it is
     * {@code ln(P(c|s) / P(c))}, with P(c|s) 1 inside and {@link #FLOOR} outside.
     *
     * @param inside whether a string that ends at the token is of the script
     * @param prior P(c), above 0
     * @return the natural logarithm
     */
    public static double score(boolean inside, double prior) {
        return Math.log((inside ? 1 : FLOOR) / prior);
    }

    /**
     * The script that a label's tokens are known by: the one whose tokens agree best with the label's, if their F1 is at least 0.8.
     *
     * @param positive for each token whether its document has the label
     * @return the script, or empty
     */
    public Optional<UnicodeScript> fitting(boolean[] positive) {
        Map<UnicodeScript, int[]> counts = new EnumMap<>(UnicodeScript.class);
        int positives = 0;
        for (int row = 0; row < scripts.length; row++) {
            int[] count = counts.computeIfAbsent(scripts[row], s -> new int[2]);
            count[0]++;
            count[1] += positive[row] ? 1 : 0;
            positives += positive[row] ? 1 : 0;
        }
        UnicodeScript best = UnicodeScript.UNKNOWN;
        double bestF1 = LEAST_F1;
        for (Map.Entry<UnicodeScript, int[]> entry : counts.entrySet()) {
            double f1 = 2.0 * entry.getValue()[1] / (entry.getValue()[0] + positives);
            if (f1 >= bestF1 && entry.getKey() != UnicodeScript.COMMON && entry.getKey() != UnicodeScript.UNKNOWN) {
                best = entry.getKey();
                bestF1 = f1;
            }
        }
        return best == UnicodeScript.UNKNOWN ? Optional.empty() : Optional.of(best);
    }

    /**
     * The tokens inside a script: spaces, digits and punctuation behind its letters among them.
     *
     * @param script the script
     * @return one value for each token
     */
    public boolean[] inside(UnicodeScript script) {
        return equal(scripts, script);
    }

    /**
     * The tokens that hold a letter of a script themselves, and of no other.
     *
     * @param script the script
     * @return one value for each token
     */
    public boolean[] letters(UnicodeScript script) {
        return equal(own, script);
    }

    private static boolean[] equal(UnicodeScript[] scripts, UnicodeScript script) {
        boolean[] equal = new boolean[scripts.length];
        for (int row = 0; row < equal.length; row++) {
            equal[row] = scripts[row] == script;
        }
        return equal;
    }
}
