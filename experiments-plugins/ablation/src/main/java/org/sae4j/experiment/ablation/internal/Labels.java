package org.sae4j.experiment.ablation.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.lab.FeatureColumns;
import org.sae4j.api.lab.LabelScores;
import org.sae4j.api.model.Context;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.EncodedText;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.TextEncoder;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.ablation.AblationConfig;
import org.sae4j.experiment.ablation.AblationResult.LabelEffect;

/** What the feature that detects each label best does to the loss on that label's documents and on others. */
public final class Labels {
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
    private final HookPoint input;
    private final LabelScores scores;

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
        input = TextEncoder.hookOf(model, context.sae());
        tokenizer = model.tokenizer().orElseThrow();
        progress = context.progress();
        scores = LabelScores.of(corpus, progress);
    }

    /** The feature that stands for a label. */
    record Chosen(String label, int feature, double auroc) {}

    /**
     * What was measured.
     *
     * @param effects one for each label
     * @param matrix mean rise of the loss by ablated feature (of the label of the row) and label of the documents
     */
    public record Measured(List<LabelEffect> effects, double[][] matrix) {}

    /** Documents of a label, at least two tokens long. */
    private List<Integer> documents(String label) {
        List<Integer> all = new ArrayList<>(IntStream.range(0, corpus.documents().size()).filter(d -> corpus.tokens(d).length >= 2
                && corpus.documents().get(d).label().equals(label)).boxed().toList());
        CounterRandom own = random.stream("documents").stream(label);
        while (all.size() > config.labelDocuments()) {
            all.remove(/* index */ own.nextInt(all.size()));
        }
        return all;
    }

    /** For each label the feature with the largest area; labels without one that is ever active are left out. */
    private List<Chosen> choose() {
        return scores.labels().stream().sorted().flatMap(label -> IntStream.of(scores.best(label, 1)).mapToObj(feature ->
                new Chosen(label, feature, scores.byDocument(label, feature)))).toList();
    }

    /** The rise of the mean loss of documents without a feature, by feature and document. */
    private double[][] rises(List<Chosen> features, List<Integer> documents) {
        List<Part> parts = new ArrayList<>();
        double[] predictions = new double[documents.size()];
        for (int i = 0; i < predictions.length; i++) {
            for (Context context : contexts(documents.get(i))) {
                parts.add(new Part(i, documents.get(i), context));
                predictions[i] += context.size() - 1;
            }
        }
        double[] clean = losses(parts.stream().map(part -> new Passes.Run(part.context().tokens(), null)).toList(), "loss of documents");
        record Cell(int row, int part) {}
        List<Cell> cells = new ArrayList<>();
        List<Passes.Run> runs = new ArrayList<>();
        for (int row = 0; row < features.size(); row++) {
            for (int part = 0; part < parts.size(); part++) {
                float[][] added = without(features.get(row).feature(), parts.get(part).document(), parts.get(part).context());
                if (added.length > 0) {
                    cells.add(new Cell(row, part));
                    runs.add(new Passes.Run(parts.get(part).context().tokens(), added));
                }
            }
        }
        double[] after = losses(runs, "loss without the features of labels");
        double[][] rises = new double[features.size()][documents.size()];
        for (int i = 0; i < after.length; i++) {
            Cell cell = cells.get(i);
            Part part = parts.get(cell.part());
            rises[cell.row()][part.index()] += (after[i] - clean[cell.part()])
                    * ((part.context().size() - 1) / predictions[part.index()]);
        }
        return rises;
    }

    /** One context of a document, which has several if it is longer than the model's. */
    private record Part(int index, int document, Context context) {}

    /** The contexts of a document in which something is predicted. */
    private List<Context> contexts(int document) {
        EncodedText text = corpus.text(document);
        return IntStream.range(0, text.size()).mapToObj(text::context).distinct().filter(context -> context.size() > 1).toList();
    }

    /** The vectors that set a feature to zero in a context of a document; empty where it is not active at all. */
    private float[][] without(int feature, int document, Context context) {
        float[][] added = new float[context.size()][];
        EncodedText text = corpus.text(document);
        boolean any = false;
        for (int row = 0; row < text.size(); row++) {
            float f = text.context(row) == context ? text.features().get(row, feature) : 0;
            if (f != 0) {
                added[text.position(row)] = Vectors.scaled(subject.decoder()[feature], -f);
                any = true;
            }
        }
        if (any && normalization != SaeConfig.Normalization.NONE) {
            Tensor x = model.forward(new int[][] {context.tokens()}, ForwardPlan.capture(input)).get(input).slice(0);
            Tensor rows = x.reshape(context.size(), -1);
            for (int t = 0; t < context.size(); t++) {
                if (added[t] != null) {
                    added[t] = Vectors.scaled(added[t], normalization.scale(rows.row(t)));
                }
            }
        }
        return any ? added : new float[0][];
    }

    /** {@return the effects of the features of labels} */
    public Measured measure() {
        List<Chosen> chosen = choose();
        List<Integer> documents = scores.labels().stream().sorted().map(this::documents).flatMap(List::stream).toList();
        double[][] rise = rises(chosen, documents);
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
        FeatureColumns columns = scores.columns();
        int strongest = IntStream.range(columns.start(chosen.feature()), columns.start(chosen.feature() + 1)).reduce((x, y) ->
                columns.value(y) > columns.value(x) ? y : x).orElseThrow();
        int document = corpus.documentOf(columns.row(strongest));
        EncodedText text = corpus.text(document);
        int at = columns.row(strongest) - corpus.start(document);
        int[] own = text.tokens();
        int[] tokens = text.context(at).tokens();
        int position = text.position(at);
        String[] texts = new String[2];
        float[][] added = without(chosen.feature(), document, text.context(at));
        passes.fromTokens(List.of(new Passes.Run(tokens, null), new Passes.Run(tokens, added)), (run, _, logits) ->
                texts[run] = predictions(logits.row(position)));
        return new LabelEffect(chosen.label(), chosen.feature(), scores.name(chosen.feature()), chosen.auroc(),
                Statistics.compareSamples(inside, outside, config.resamples(), "documents", random.stream("rise").stream(chosen.label())),
                tokenizer.decode(Arrays.copyOfRange(own, Math.max(0, at + 1 - CONTEXT), at + 1)), texts[0], texts[1]);
    }

    private String predictions(float[] logits) {
        Distribution distribution = Distribution.of(logits);
        return Arrays.stream(distribution.top(TOP)).mapToObj(t -> String.format(Locale.ROOT, "\"%s\" %.2f", tokenizer.token(t),
                Math.exp(distribution.log()[t]))).collect(Collectors.joining(", "));
    }
}
