package org.sae4j.cli;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.lab.FeatureColumns;
import org.sae4j.api.lab.LabelScores;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.sae.SparseRows;

/** The single features that tell the labels of a corpus apart best. */
final class Detectors {
    private static final int TOKENS = 6;
    /** Share of the tokens it fires on from which a feature is said to be about something. */
    private static final double MOSTLY = 0.8;

    private Detectors() {
    }

    /**
     * The best feature of a label.
     *
     * @param feature the feature
     * @param byDocument AUROC of its largest activation over a document, documents of the label against all others
     * @param byToken its AUROC token by token
     * @param tokens distinct tokens it is most active on, the strongest first, as whole characters
     * @param inLabel share of the tokens where it is active that lie in documents of the label
     * @param onWords share of the tokens where it is active that hold a letter or digit, alone or as a part of a character
     */
    record Best(int feature, double byDocument, double byToken, List<String> tokens, double inLabel, double onWords) {
        /** {@return whether it is about the label: it fires there, and on more than its punctuation or indentation} */
        boolean knows() {
            return inLabel >= MOSTLY && onWords >= MOSTLY;
        }
    }

    /** For every label its best feature, by label in order of first appearance. */
    static Map<String, Best> bestByLabel(LabelScores scores, Tokenizer tokenizer) {
        Map<String, Best> result = new LinkedHashMap<>();
        for (String label : scores.labels()) {
            for (int f : scores.best(label, 1)) {
                result.put(label, new Best(f, scores.byDocument(label, f), scores.byToken(label, f), topTokens(scores.corpus(), f,
                        tokenizer), scores.share(label, f), onWords(scores, f, tokenizer)));
            }
        }
        return result;
    }

    private static List<String> topTokens(EncodedCorpus corpus, int feature, Tokenizer tokenizer) {
        record Firing(int row, float value) {}
        SparseRows features = corpus.features();
        List<Firing> firings = new ArrayList<>();
        for (int row = 0; row < features.rows(); row++) {
            float value = features.get(row, feature);
            if (value > 0) {
                firings.add(new Firing(row, value));
            }
        }
        firings.sort(Comparator.comparingDouble((Firing f) -> f.value()).reversed().thenComparingInt(Firing::row));
        Set<String> tokens = new LinkedHashSet<>();
        for (Firing firing : firings) {
            int document = corpus.documentOf(firing.row());
            tokens.add(shown(corpus.tokens(document), firing.row() - corpus.start(document), tokenizer).strip());
            if (tokens.size() == TOKENS) {
                break;
            }
        }
        return List.copyOf(tokens);
    }

    private static double onWords(LabelScores scores, int feature, Tokenizer tokenizer) {
        EncodedCorpus corpus = scores.corpus();
        FeatureColumns columns = scores.columns();
        long words = IntStream.range(columns.start(feature), columns.start(feature + 1)).filter(e -> {
            int document = corpus.documentOf(columns.row(e));
            return shown(corpus.tokens(document), columns.row(e) - corpus.start(document), tokenizer).codePoints()
                    .anyMatch(Character::isLetterOrDigit);
        }).count();
        return (double) words / columns.active(feature);
    }

    /** A token; where it is a part of a character, the token that completes it. */
    static String shown(int[] document, int position, Tokenizer tokenizer) {
        return tokenizer.tokens(document).stream().skip(position).filter(text -> !text.isEmpty()).findFirst().orElse("");
    }
}
