package org.sae4j.experiment.ablation.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.ablation.AblationConfig;
import org.sae4j.experiment.ablation.AblationResult.LabelEffect;

/** What the strongest feature of each label does to the loss on that label's documents and on others. */
public final class Labels {
    /** Candidates of a label: of the features whose AUROC is this close to the best, those that contribute most on the label. */
    private static final double AUROC_TIE = 0.02;
    private static final int CANDIDATES = 8;
    private static final int TOP = 5;
    private static final int CONTEXT = 12;

    private final EncodedCorpus corpus;
    private final Subject subject;
    private final AblationConfig config;
    private final Passes passes;
    private final Tokenizer tokenizer;
    private final CounterRandom random;
    private final Progress progress;
    private final Transformer model;
    private final SaeConfig.Normalization normalization;
    private final List<String> labels;
    private final float[][] strongest;

    /**
     * Prepares measurements.
     *
     * @param context a run with corpus and tokenizer
     * @param subject decoder rows and norms
     * @param config the configuration
     * @param passes runs of the model
     * @param random chooses documents and resamples
     */
    public Labels(ExperimentContext context, Subject subject, AblationConfig config, Passes passes, CounterRandom random) {
        this.subject = subject;
        this.config = config;
        this.passes = passes;
        this.random = random;
        corpus = context.encodedCorpus();
        model = context.model();
        normalization = context.sae().config().normalization();
        tokenizer = model.tokenizer().orElseThrow();
        progress = context.progress();
        labels = corpus.documents().stream().map(Document::label).filter(l -> !l.isEmpty()).distinct().sorted().toList();
        strongest = corpus.maxByDocument();
    }

    /** A feature that may stand for a label. */
    record Chosen(String label, int feature, double auroc) {}

    /**
     * What was measured.
     *
     * @param effects one for each label
     * @param matrix mean rise of the loss by ablated feature (of the label of the row) and label of the documents
     */
    public record Measured(List<LabelEffect> effects, double[][] matrix) {}

    /** Candidates by label; labels without a feature that is ever active are left out. */
    Map<String, List<Chosen>> candidates() {
        double[][] auroc = new double[labels.size()][strongest.length];
        boolean[][] inside = new boolean[labels.size()][];
        for (int l = 0; l < inside.length; l++) {
            String label = labels.get(l);
            inside[l] = new boolean[corpus.documents().size()];
            for (int d = 0; d < inside[l].length; d++) {
                inside[l][d] = corpus.documents().get(d).label().equals(label);
            }
        }
        double[][] mass = massByLabel();
        for (int feature = 0; feature < strongest.length; feature++) {
            progress.checkCancelled();
            double[] scores = new double[strongest[feature].length];
            double largest = 0;
            for (int d = 0; d < scores.length; d++) {
                scores[d] = strongest[feature][d];
                largest = Math.max(largest, scores[d]);
            }
            if (largest > 0) {
                double[] ranks = Statistics.ranks(scores);
                for (int l = 0; l < inside.length; l++) {
                    auroc[l][feature] = auroc(ranks, inside[l]);
                }
            }
        }
        Map<String, List<Chosen>> candidates = new LinkedHashMap<>();
        for (int l = 0; l < inside.length; l++) {
            String label = labels.get(l);
            double[] own = auroc[l];
            double[] contribution = mass[l];
            double best = Arrays.stream(own).filter(a -> !Double.isNaN(a)).max().orElse(0);
            List<Chosen> chosen = IntStream.range(0, own.length).filter(j -> own[j] >= best - AUROC_TIE && contribution[j] > 0).boxed()
                    .sorted(Comparator.comparingDouble(j -> -contribution[j])).limit(CANDIDATES)
                    .map(j -> new Chosen(label, j, own[j])).toList();
            if (!chosen.isEmpty()) {
                candidates.put(label, chosen);
            }
        }
        return candidates;
    }

    private static double auroc(double[] ranks, boolean[] positive) {
        double sum = 0;
        double positives = 0;
        for (int d = 0; d < ranks.length; d++) {
            if (positive[d]) {
                sum += ranks[d];
                positives++;
            }
        }
        return (sum - positives * (positives + 1) / 2) / (positives * (ranks.length - positives));
    }

    private double[][] massByLabel() {
        double[][] mass = new double[labels.size()][strongest.length];
        SparseRows features = corpus.features();
        for (int d = 0; d < corpus.documents().size(); d++) {
            int label = labels.indexOf(corpus.documents().get(d).label());
            if (label >= 0) {
                for (int e = features.start(corpus.start(d)); e < features.start(corpus.start(d + 1)); e++) {
                    mass[label][features.index(e)] += features.value(e) * subject.norms()[features.index(e)];
                }
            }
        }
        return mass;
    }

    /** Documents of every label in two halves that share none: one to choose features with, one to measure them on. */
    private Map<String, List<List<Integer>>> documents() {
        Map<String, List<List<Integer>>> halves = new LinkedHashMap<>();
        for (String label : labels) {
            List<Integer> all = new ArrayList<>(IntStream.range(0, corpus.documents().size()).filter(d -> corpus.tokens(d).length >= 2
                    && corpus.documents().get(d).label().equals(label)).boxed().toList());
            CounterRandom own = random.stream("documents").stream(label);
            while (all.size() > 2 * config.labelDocuments()) {
                all.remove(/* index */ own.nextInt(all.size()));
            }
            List<Integer> choosing = IntStream.range(0, all.size()).filter(i -> i % 2 == 1).mapToObj(all::get).toList();
            List<Integer> measuring = IntStream.range(0, all.size()).filter(i -> i % 2 == 0).mapToObj(all::get).toList();
            halves.put(label, List.of(choosing, measuring));
        }
        return halves;
    }

    /** Takes for each label the candidate whose absence raises the loss most on documents that are not measured on. */
    private List<Chosen> choose(Map<String, List<List<Integer>>> documents) {
        List<Chosen> chosen = new ArrayList<>();
        candidates().forEach((label, candidates) -> {
            double[][] rises = rises(candidates, Objects.requireNonNull(documents.get(label)).getFirst(), "choosing features of labels");
            chosen.add(IntStream.range(0, rises.length).boxed().max(Comparator.comparingDouble(i -> rises[i].length == 0 ? -i
                    : Statistics.mean(rises[i]))).map(candidates::get).orElseThrow());
        });
        return chosen;
    }

    /** The rise of the mean loss of documents without a feature, by feature and document. */
    private double[][] rises(List<Chosen> features, List<Integer> documents, String stage) {
        double[] clean = losses(documents.stream().map(d -> new Passes.Run(tokens(d), null)).toList(), "loss of documents");
        record Cell(int row, int document) {}
        List<Cell> cells = new ArrayList<>();
        List<Passes.Run> runs = new ArrayList<>();
        for (int row = 0; row < features.size(); row++) {
            for (int i = 0; i < documents.size(); i++) {
                int[] tokens = tokens(documents.get(i));
                float[][] added = without(features.get(row).feature(), documents.get(i), tokens);
                if (added.length > 0) {
                    cells.add(new Cell(row, i));
                    runs.add(new Passes.Run(tokens, added));
                }
            }
        }
        double[] after = losses(runs, stage);
        double[][] rises = new double[features.size()][documents.size()];
        for (int i = 0; i < after.length; i++) {
            rises[cells.get(i).row()][cells.get(i).document()] = after[i] - clean[cells.get(i).document()];
        }
        return rises;
    }

    private int[] tokens(int document) {
        int[] own = corpus.tokens(document);
        return tokenizer.bos().isEmpty() ? own
                : IntStream.concat(IntStream.of(tokenizer.bos().getAsInt()), IntStream.of(own)).toArray();
    }

    /** The vectors that set a feature to zero in a document; empty where it is not active at all. */
    private float[][] without(int feature, int document, int[] tokens) {
        float[][] added = new float[tokens.length][];
        int shift = tokens.length - corpus.tokens(document).length;
        boolean any = false;
        for (int t = shift; t < tokens.length; t++) {
            float f = corpus.features().get(corpus.start(document) + t - shift, feature);
            if (f != 0) {
                added[t] = Vectors.scaled(subject.decoder()[feature], -f);
                any = true;
            }
        }
        if (any && normalization != SaeConfig.Normalization.NONE) {
            Tensor x = model.forward(new int[][] {tokens}, ForwardPlan.capture(subject.hook())).get(subject.hook()).slice(0);
            Tensor rows = x.reshape(tokens.length, -1);
            for (int t = shift; t < tokens.length; t++) {
                if (added[t] != null) {
                    added[t] = Vectors.scaled(added[t], normalization.scale(rows.row(t)));
                }
            }
        }
        return any ? added : new float[0][];
    }

    /** {@return the effects of the features of labels} */
    public Measured measure() {
        Map<String, List<List<Integer>>> halves = documents();
        List<Chosen> chosen = choose(halves);
        List<Integer> documents = halves.values().stream().map(List::getLast).flatMap(List::stream).toList();
        double[][] rise = rises(chosen, documents, "loss without the features of labels");
        double[][] matrix = new double[chosen.size()][chosen.size()];
        List<LabelEffect> effects = new ArrayList<>();
        for (int row = 0; row < chosen.size(); row++) {
            double[] own = rise[row];
            for (int column = 0; column < chosen.size(); column++) {
                matrix[row][column] = Statistics.mean(select(own, documents, chosen.get(column).label(), true));
            }
            effects.add(effect(chosen.get(row), select(own, documents, chosen.get(row).label(), true),
                    select(own, documents, chosen.get(row).label(), false)));
        }
        return new Measured(effects, matrix);
    }

    private double[] select(double[] rises, List<Integer> documents, String label, boolean equal) {
        return IntStream.range(0, rises.length).filter(i -> corpus.documents().get(documents.get(i)).label().equals(label) == equal)
                .mapToDouble(i -> rises[i]).toArray();
    }

    /** Mean next-token losses, the beginning-of-sequence token's prediction included. */
    private double[] losses(List<Passes.Run> runs, String stage) {
        double[] losses = new double[runs.size()];
        int[] done = new int[1];
        passes.fromTokens(runs, (run, _, logits) -> {
            int[] tokens = runs.get(run).tokens();
            double sum = 0;
            for (int position = 0; position + 1 < tokens.length; position++) {
                sum -= logProbability(logits.row(position), tokens[position + 1]);
            }
            losses[run] = sum / (tokens.length - 1);
            progress.update(stage, ++done[0], losses.length);
        });
        return losses;
    }

    private static double logProbability(float[] logits, int token) {
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp((double) logit - logits[token]);
        }
        return -Math.log(sum);
    }

    private LabelEffect effect(Chosen chosen, double[] inside, double[] outside) {
        int document = 0;
        for (int d = 0; d < strongest[chosen.feature()].length; d++) {
            if (strongest[chosen.feature()][d] > strongest[chosen.feature()][document]) {
                document = d;
            }
        }
        int[] own = corpus.tokens(document);
        int at = 0;
        for (int t = 0; t < own.length; t++) {
            if (corpus.features().get(corpus.start(document) + t, chosen.feature())
                    > corpus.features().get(corpus.start(document) + at, chosen.feature())) {
                at = t;
            }
        }
        int[] tokens = tokens(document);
        int position = at + tokens.length - own.length;
        String[] texts = new String[2];
        float[][] added = without(chosen.feature(), document, tokens);
        passes.fromTokens(List.of(new Passes.Run(tokens, null), new Passes.Run(tokens, added)), (run, _, logits) ->
                texts[run] = predictions(logits.row(position)));
        return new LabelEffect(chosen.label(), chosen.feature(), chosen.auroc(),
                Statistics.compareSamples(inside, outside, config.resamples(), "documents", random.stream("rise").stream(chosen.label())),
                tokenizer.decode(Arrays.copyOfRange(own, Math.max(0, at + 1 - CONTEXT), at + 1)), texts[0], texts[1]);
    }

    private String predictions(float[] logits) {
        Distribution distribution = Distribution.of(logits);
        return Arrays.stream(distribution.top(TOP)).mapToObj(t -> String.format(Locale.ROOT, "\"%s\" %.2f", tokenizer.token(t),
                Math.exp(distribution.log()[t]))).collect(Collectors.joining(", "));
    }
}
