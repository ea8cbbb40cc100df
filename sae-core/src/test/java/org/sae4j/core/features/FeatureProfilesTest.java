package org.sae4j.core.features;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.experiment.Fact;
import org.sae4j.api.lab.LabelScores;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.HookPoint.Site;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.stats.Statistics;
import org.sae4j.core.RandomModels;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.Transformers;
import org.sae4j.testkit.ReferenceEngine;
import tools.jackson.databind.json.JsonMapper;

/** A dictionary whose features are the neurons of a small random model: all that a profile says can be computed by hand. */
class FeatureProfilesTest {
    private static final int NEURONS = 6;
    /** A feature that never fires and looks like neurons 0 and 1. */
    private static final int DEAD = NEURONS;
    private static final TransformerConfig CONFIG = TransformerConfig.builder("small").layers(1).dModel(8).heads(2).dHead(4).dMlp(NEURONS)
                .nCtx(16).dVocab(11).activation(TransformerConfig.Activation.RELU).build();
    private static final HookPoint HOOK = HookPoint.mlpPost(0);
    private static final List<Document> DOCUMENTS = documents();
    private static final List<Fact> FACTS = List.of(new Fact("r", "cab", "a", "d"), new Fact("r", "bbb", "b", "e"));

    private static Engine engine;
    private static Transformer model;
    private static SparseAutoencoder sae;
    private static LabelScores scores;
    private static FeatureProfiles profiles;

    /** Letters are tokens, 'a' is 1; token 0 begins a text. Their texts are hostile. */
    private static final class Letters implements Tokenizer {
        private static final List<String> HOSTILE = List.of("<|bos|>", " ", "</script><script>alert(1)</script>", "\n", "\u202E", "\uD83D",
                "", "\u0000", "\"", "&lt;");

        @Override
        public Encoding encode(String text) {
            int n = text.length();
            return new Encoding(text.chars().map(c -> c - 'a' + 1).toArray(), IntStream.range(0, n).toArray(),
                    IntStream.rangeClosed(1, n).toArray());
        }

        @Override
        public String decode(int... ids) {
            return IntStream.of(ids).mapToObj(id -> String.valueOf((char) ('a' + id - 1))).reduce("", String::concat);
        }

        @Override
        public String token(int id) {
            return HOSTILE.get(id);
        }

        /** One less than the model's. */
        @Override
        public int vocabularySize() {
            return 10;
        }

        @Override
        public OptionalInt bos() {
            return OptionalInt.of(0);
        }
    }

    private static List<Document> documents() {
        CounterRandom random = new CounterRandom(3);
        List<Document> documents = new ArrayList<>(List.of(new Document("", ""), new Document("odd", "a")));
        for (int d = 0; d < 30; d++) {
            StringBuilder text = new StringBuilder();
            int length = 1 + random.nextInt(14);
            for (int i = 0; i < length; i++) {
                text.append((char) ('a' + (d % 3 == 0 ? random.nextInt(3) : 2 + random.nextInt(7))));
            }
            documents.add(new Document(d % 3 == 0 ? "few" : d % 7 == 0 ? "" : "many", text.toString()));
        }
        return List.copyOf(documents);
    }

    private static SparseAutoencoder neurons(SaeConfig.Normalization normalization, Optional<HookPoint> hook) {
        int n = NEURONS + 1;
        float[] encoder = new float[NEURONS * n];
        float[] decoder = new float[n * NEURONS];
        for (int i = 0; i < NEURONS; i++) {
            encoder[i * n + i] = 1;
            decoder[i * NEURONS + i] = 1;
        }
        decoder[DEAD * NEURONS] = 3;
        decoder[DEAD * NEURONS + 1] = 4;
        float[] bias = new float[n];
        bias[DEAD] = -1;
        SaeConfig config = SaeConfig.builder(SaeConfig.Architecture.RELU, NEURONS, n).applyBDecToInput(false)
                .normalization(normalization).hook(hook).build();
        return SparseAutoencoders.of(config, Map.of("W_enc", Tensor.of(encoder, NEURONS, n), "b_enc", Tensor.of(bias, n), "W_dec",
                Tensor.of(decoder, n, NEURONS), "b_dec", Tensor.zeros(NEURONS)), engine);
    }

    @BeforeAll
    static void profile() {
        engine = new ReferenceEngine();
        model = Transformers.of(CONFIG, RandomModels.parameters(CONFIG, 5), Optional.of(new Letters()), engine);
        sae = neurons(SaeConfig.Normalization.NONE, Optional.of(HOOK));
        scores = LabelScores.of(EncodedCorpus.encode(model, sae, DOCUMENTS, Progress.NONE), Progress.NONE);
        profiles = profiles(0);
    }

    private static FeatureProfiles profiles(long seed) {
        return FeatureProfiles.compute(model, sae, scores, IntStream.rangeClosed(0, DEAD).toArray(), FACTS, ProfileSettings.of(seed),
                Progress.NONE);
    }

    @AfterAll
    static void close() {
        sae.close();
        model.close();
        engine.close();
    }

    /** Activations of a neuron: all tokens of all documents in order. */
    private static double[] neuron(int feature) {
        return DOCUMENTS.stream().filter(d -> !d.text().isEmpty()).flatMapToDouble(d -> {
            int[] ids = ids(d.text());
            Tensor x = model.forward(new int[][] {ids}, ForwardPlan.capture(HOOK)).get(HOOK);
            return IntStream.range(1, ids.length).mapToDouble(p -> x.at(0, p, feature));
        }).toArray();
    }

    private static int[] ids(String text) {
        return IntStream.concat(IntStream.of(0), IntStream.of(new Letters().encode(text).ids())).limit(CONFIG.nCtx()).toArray();
    }

    @Test
    void densityAndHistogramCountTheActiveTokens() {
        for (int feature = 0; feature < NEURONS; feature++) {
            FeatureProfile f = profiles.features().get(feature);
            double[] active = Arrays.stream(neuron(feature)).filter(v -> v > 0).toArray();
            assertThat(f.active()).isEqualTo(active.length);
            assertThat(f.density()).isEqualTo((double) active.length / profiles.tokens());
            assertThat(f.max()).isEqualTo(Arrays.stream(active).max().orElseThrow());
            assertThat(f.mean()).isCloseTo(Statistics.mean(active), within(1e-12));
            assertThat(Arrays.stream(f.histogram().counts()).flatMapToLong(Arrays::stream).sum()).isEqualTo(active.length);
            assertThat(f.histogram().counts()).hasDimensions(f.histogram().labels().size(), 40);
        }
        FeatureProfile dead = profiles.features().get(DEAD);
        assertThat(dead.active()).isZero();
        assertThat(dead.examples()).isEmpty();
        assertThat(dead.removal()).isEmpty();
        assertThat(dead.facts()).isEmpty();
        assertThat(dead.logits()).isPresent();
    }

    @Test
    void intervalsCountTheActiveTokensFromWeakToStrong() {
        for (FeatureProfile f : profiles.features().subList(0, NEURONS)) {
            double[] active = Arrays.stream(neuron(f.feature())).filter(v -> v > 0).toArray();
            assertThat(f.intervals()).hasSize(5);
            for (FeatureProfile.Share share : f.intervals()) {
                long within = Arrays.stream(active).filter(v -> v > share.from() * (1 + 1e-12) && v <= share.to() * (1 + 1e-12)).count();
                assertThat(share.tokens()).isEqualTo(within);
                assertThat(share.share()).isEqualTo((double) within / active.length);
            }
        }
        assertThat(profiles.features().get(DEAD).intervals()).isEmpty();
    }

    @Test
    void alignedNeuronsAreTheLargestWeightsOfTheDirection() {
        assertThat(profiles.features().get(2).neurons().getFirst()).isEqualTo(new FeatureProfile.Neuron(2, 1, 1));
        assertThat(profiles.features().get(DEAD).neurons().subList(0, 2)).containsExactly(new FeatureProfile.Neuron(1, 4, 4.0 / 7),
                new FeatureProfile.Neuron(0, 3, 3.0 / 7));
    }

    @Test
    void correlatedNeuronsAreThoseOfAllTokens() {
        NeuronCorrelations correlations = NeuronCorrelations.compute(model, sae, scores.corpus(), scores.columns(), Progress.NONE);
        for (int feature = 0; feature < NEURONS; feature++) {
            double[] f = Arrays.stream(neuron(feature)).map(v -> Math.max(v, 0)).toArray();
            List<NeuronCorrelations.Correlated> found = correlations.of(feature, NEURONS);
            assertThat(found).hasSize(NEURONS).isSortedAccordingTo(
                    Comparator.comparingDouble(NeuronCorrelations.Correlated::correlation).reversed());
            for (NeuronCorrelations.Correlated c : found) {
                double[] x = neuron(c.neuron());
                assertThat(c.correlation()).isCloseTo(Statistics.pearson(f, x), within(1e-5));
                double cross = IntStream.range(0, x.length).mapToDouble(i -> x[i] * f[i]).sum();
                assertThat(c.cosine()).isCloseTo(cross / Math.sqrt(Arrays.stream(x).map(v -> v * v).sum()
                        * Arrays.stream(f).map(v -> v * v).sum()), within(1e-5));
            }
        }
        assertThat(correlations.of(DEAD, 3)).isEmpty();
        assertThat(NeuronCorrelations.bytes(scores.columns(), sae)).isEqualTo(NEURONS * NEURONS * 4L);
    }

    @Test
    void whatPromotesATokenIsWhatEachFeatureSaysOfIt() {
        FeatureProfiler profiler = new FeatureProfiler(model, sae, scores, List.of(), ProfileSettings.of(0), Progress.NONE);
        for (int token = 0; token < CONFIG.dVocab(); token++) {
            double[] promoting = profiler.promoting(token).orElseThrow();
            for (int feature = 0; feature <= DEAD; feature++) {
                int asked = token;
                FeatureProfile.LogitEffects effects = profiler.logits(feature).orElseThrow();
                double effect = java.util.stream.Stream.concat(effects.top().stream(), effects.bottom().stream())
                        .filter(t -> t.token() == asked).findFirst().orElseThrow().effect();
                assertThat(promoting[feature]).isCloseTo(effect, within(1e-9));
            }
        }
    }

    @Test
    void anOutlineIsAProfileWithoutWhatNeedsTheModel() {
        FeatureProfiler profiler = new FeatureProfiler(model, sae, scores, FACTS, ProfileSettings.of(0), Progress.NONE);
        FeatureProfile outline = profiler.outline(1);
        FeatureProfile whole = profiles.features().get(1);
        assertThat(outline.removal()).isEmpty();
        assertThat(outline.facts()).isEmpty();
        assertThat(outline).usingRecursiveComparison().withEqualsForType((a, b) -> Double.compare(a, b) == 0, Double.class)
                .ignoringFields("removal", "facts").isEqualTo(whole);
        assertThat(profiler.removal(1)).usingRecursiveComparison().withEqualsForType((a, b) -> Double.compare(a, b) == 0, Double.class)
                .isEqualTo(whole.removal());
    }

    @Test
    void topExamplesAreTheLargestOfEachDocumentAndOthersLieInTheirInterval() {
        for (FeatureProfile f : profiles.features().subList(0, NEURONS)) {
            float[][] maxima = scores.corpus().maxByDocument();
            List<Double> expected = IntStream.range(0, DOCUMENTS.size()).mapToObj(d -> (double) maxima[f.feature()][d]).filter(v -> v > 0)
                    .sorted(Comparator.reverseOrder()).limit(8).toList();
            assertThat(f.examples().stream().filter(e -> e.interval() == 0).map(FeatureProfile.Example::activation)).isEqualTo(expected);
            for (FeatureProfile.Example e : f.examples()) {
                assertThat(e.label()).isEqualTo(DOCUMENTS.get(e.document()).label());
                assertThat(e.activations()[e.position() - e.from()]).isEqualTo(e.activation());
                int token = DOCUMENTS.get(e.document()).text().charAt(e.position()) - 'a' + 1;
                assertThat(e.tokens().get(e.position() - e.from())).isEqualTo(new Letters().token(token));
                if (e.interval() > 0) {
                    assertThat(e.activation() / f.max()).isBetween((e.interval() - 1) / 5.0 - 1e-6, e.interval() / 5.0 + 1e-6);
                }
            }
            assertThat(f.examples().stream().filter(e -> e.interval() > 0).map(e -> List.of(e.document(), e.position())))
                    .doesNotContainAnyElementsOf(f.examples().stream().filter(e -> e.interval() == 0)
                            .map(e -> List.of(e.document(), e.position())).toList());
        }
    }

    @Test
    void logitEffectsAreThoseOfTheOutputWeights() {
        Map<String, Tensor> p = model.parameters();
        for (int feature = 0; feature < NEURONS; feature++) {
            double[] effects = new double[CONFIG.dVocab()];
            float[] out = p.get("blocks.0.mlp.W_out").row(feature);
            double mean = IntStream.range(0, 8).mapToDouble(i -> out[i]).average().orElseThrow();
            for (int t = 0; t < effects.length; t++) {
                for (int i = 0; i < 8; i++) {
                    effects[t] += (out[i] - mean) * p.get("ln_final.w").get(i) * p.get("unembed.W_U").at(i, t);
                }
            }
            double centre = Statistics.mean(effects);
            FeatureProfile.LogitEffects found = profiles.features().get(feature).logits().orElseThrow();
            assertThat(found.top()).hasSize(10)
                    .allSatisfy(e -> assertThat(e.effect()).isCloseTo(effects[e.token()] - centre, within(1e-9)));
            assertThat(found.top()).isSortedAccordingTo((a, b) -> Double.compare(b.effect(), a.effect()));
            assertThat(found.bottom().getFirst().effect()).isCloseTo(Arrays.stream(effects).min().orElseThrow() - centre, within(1e-9));
            assertThat(Arrays.stream(found.counts()).sum()).isEqualTo(CONFIG.dVocab());
        }
        assertThat(profiles.directPath()).isEqualTo("W_dec, blocks.0.mlp.W_out, ln_final.w, W_U");
    }

    @Test
    void tokensBeyondTheTokenizerAreNumbered() {
        assertThat(profiles.features().stream().flatMap(f -> f.logits().stream()).flatMap(l -> l.top().stream())
                .filter(e -> e.token() == 10)).isNotEmpty().allMatch(e -> e.text().equals("[10]"));
    }

    @Test
    void neighborsAreOrderedByTheAngleOfDecoderDirections() {
        FeatureProfile.Neighbor nearest = profiles.features().get(1).neighbors().getFirst();
        assertThat(nearest.feature()).isEqualTo(DEAD);
        assertThat(nearest.cosine()).isCloseTo(0.8, within(1e-9));
        assertThat(nearest.correlation()).isNaN();
        assertThat(nearest.label()).isEmpty();
        FeatureProfile.Neighbor other = profiles.features().get(2).neighbors().getFirst();
        assertThat(other.cosine()).isZero();
        assertThat(other.correlation()).isCloseTo(Statistics.pearson(neuron(2), neuron(other.feature())), within(1e-9));
    }

    @Test
    void removalIsTheModelWithTheNeuronSilenced() {
        for (int feature = 0; feature < NEURONS; feature++) {
            FeatureProfile.Removal removal = profiles.features().get(feature).removal().orElseThrow();
            List<Double> changes = new ArrayList<>();
            for (FeatureProfile.Prediction p : removal.predictions()) {
                int[] ids = ids(DOCUMENTS.get(p.document()).text());
                Tensor x = model.forward(new int[][] {ids}, ForwardPlan.capture(HOOK)).get(HOOK);
                float[] silenced = x.row(p.position() + 1);
                assertThat((double) silenced[feature]).isEqualTo(p.activation());
                silenced[feature] = 0;
                Tensor with = model.forward(new int[][] {ids}, ForwardPlan.logits()).logits();
                Tensor without = model.forward(new int[][] {ids}, ForwardPlan.builder().capture(HookPoint.LOGITS)
                        .set(HOOK, new int[] {p.position() + 1}, Tensor.of(silenced, 1, NEURONS)).build()).logits();
                int next = ids[p.position() + 2];
                double before = probability(with.row(p.position() + 1), next);
                double after = probability(without.row(p.position() + 1), next);
                assertThat(p.before()).isCloseTo(before, within(1e-5));
                assertThat(p.after()).isCloseTo(after, within(1e-5));
                assertThat(p.lossChange()).isCloseTo(Math.log(before / after), within(1e-4));
                changes.add(p.lossChange());
            }
            assertThat(removal.documents()).isEqualTo(changes.size());
            assertThat(removal.predictions().stream().map(FeatureProfile.Prediction::document)).doesNotHaveDuplicates();
            assertThat(removal.lossChange()).isCloseTo(changes.stream().mapToDouble(c -> c).average().orElseThrow(), within(1e-12));
            assertThat(removal.lossChange()).isBetween(removal.interval().low(), removal.interval().high());
            assertThat(removal.kl()).isPositive();
            assertThat(removal.risen()).isNotEmpty().allMatch(t -> t.after() > t.before());
            assertThat(removal.fallen()).isNotEmpty().allMatch(t -> t.after() < t.before());
        }
    }

    private static double probability(float[] logits, int token) {
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit);
        }
        return Math.exp(logits[token]) / sum;
    }

    @Test
    void factsAreAskedWithAndWithoutTheFeatureAtAllTokensOfThePrompt() {
        for (int feature = 0; feature < NEURONS; feature++) {
            for (FeatureProfile.FactEffect fact : profiles.features().get(feature).facts()) {
                int[] ids = ids(fact.prompt());
                Tensor x = model.forward(new int[][] {ids}, ForwardPlan.capture(HOOK)).get(HOOK);
                float[] values = x.toArray();
                for (int p = 1; p < ids.length; p++) {
                    values[p * NEURONS + feature] = 0;
                }
                Tensor without = model.forward(new int[][] {ids}, ForwardPlan.builder().capture(HookPoint.LOGITS)
                        .replace(HOOK, Tensor.of(values, x.shape())).build()).logits();
                int answer = new Letters().encode(fact.answer()).ids()[0];
                assertThat(fact.after()).isCloseTo(probability(without.row(ids.length - 1), answer), within(1e-5));
            }
        }
        assertThat(profiles.features().stream().mapToInt(f -> f.facts().size()).sum()).isPositive();
    }

    @Test
    void removalUndoesTheNormalization() {
        try (SparseAutoencoder normalized = neurons(SaeConfig.Normalization.CONSTANT_NORM_RESCALE, Optional.of(HOOK))) {
            LabelScores own = LabelScores.of(EncodedCorpus.encode(model, normalized, DOCUMENTS, Progress.NONE), Progress.NONE);
            FeatureProfile f = FeatureProfiles.compute(model, normalized, own, new int[] {2}, List.of(), ProfileSettings.of(0),
                    Progress.NONE).features().getFirst();
            FeatureProfile.Prediction p = f.removal().orElseThrow().predictions().getFirst();
            int[] ids = ids(DOCUMENTS.get(p.document()).text());
            float[] silenced = model.forward(new int[][] {ids}, ForwardPlan.capture(HOOK)).get(HOOK).row(p.position() + 1);
            silenced[2] = 0;
            Tensor without = model.forward(new int[][] {ids}, ForwardPlan.builder().capture(HookPoint.LOGITS)
                    .set(HOOK, new int[] {p.position() + 1}, Tensor.of(silenced, 1, NEURONS)).build()).logits();
            assertThat(p.after()).isCloseTo(probability(without.row(p.position() + 1), ids[p.position() + 2]), within(1e-5));
        }
    }

    @Test
    void labelScoresAreTheAreasOfAllCases() {
        for (int feature = 0; feature <= DEAD; feature++) {
            float[] maxima = scores.corpus().maxByDocument()[feature];
            double[] documents = IntStream.range(0, maxima.length).mapToDouble(d -> maxima[d]).toArray();
            float[] column = scores.corpus().features().column(feature);
            double[] tokens = IntStream.range(0, column.length).mapToDouble(t -> column[t]).toArray();
            for (String label : scores.labels()) {
                boolean[] ofDocument = new boolean[documents.length];
                boolean[] ofToken = new boolean[tokens.length];
                for (int d = 0; d < ofDocument.length; d++) {
                    ofDocument[d] = DOCUMENTS.get(d).label().equals(label);
                    Arrays.fill(ofToken, scores.corpus().start(d), scores.corpus().start(d + 1), ofDocument[d]);
                }
                assertThat(scores.byDocument(label, feature)).isCloseTo(Statistics.auroc(documents, ofDocument), within(1e-12));
                assertThat(scores.byToken(label, feature)).isCloseTo(Statistics.auroc(tokens, ofToken), within(1e-12));
            }
        }
        assertThat(scores.labels()).containsExactly("odd", "few", "many");
        assertThat(scores.best("few", 100)).hasSize(NEURONS).doesNotContain(DEAD);
        assertThat(scores.bestLabel(DEAD)).isEmpty();
        assertThat(scores.best("few", 2)).startsWith(scores.best("few", 1));
        assertThatThrownBy(() -> scores.best("none", 1)).isInstanceOf(IllegalArgumentException.class).hasMessageContaining("'none'");
    }

    @Test
    void theSameSeedGivesTheSameProfiles() {
        assertThat(JsonMapper.shared().writeValueAsString(profiles(0))).isEqualTo(JsonMapper.shared().writeValueAsString(profiles));
        assertThat(profiles(1).features().getFirst().removal().orElseThrow().interval())
                .isNotEqualTo(profiles.features().getFirst().removal().orElseThrow().interval());
        assertThat(FeatureProfiles.sample(scores, 3, 4)).isEqualTo(FeatureProfiles.sample(scores, 3, 4)).hasSize(3).isSorted()
                .doesNotContain(DEAD);
        assertThat(FeatureProfiles.sample(scores, 100, 4)).hasSize(NEURONS);
    }

    @Test
    void otherSitesHaveTheirOwnPathToTheLogits() {
        SaeConfig.Normalization none = SaeConfig.Normalization.NONE;
        TransformerConfig square = TransformerConfig.builder("square").layers(1).dModel(NEURONS).heads(2).dHead(3).dMlp(NEURONS)
                .nCtx(12).dVocab(11).activation(TransformerConfig.Activation.RELU).build();
        try (Transformer wide = Transformers.of(square, RandomModels.parameters(square, 6), Optional.of(new Letters()), engine)) {
            for (HookPoint hook : wide.hookPoints()) {
                boolean width = wide.width(hook).orElse(0) == NEURONS;
                if (!width) {
                    continue;
                }
                try (SparseAutoencoder at = neurons(none, Optional.of(hook))) {
                    LabelScores own = LabelScores.of(EncodedCorpus.encode(wide, at, DOCUMENTS, Progress.NONE), Progress.NONE);
                    FeatureProfiles found = FeatureProfiles.compute(wide, at, own, new int[] {0, 1}, FACTS, ProfileSettings.of(0),
                            Progress.NONE);
                    boolean direct = !Set.of(Site.Q, Site.K, Site.V, Site.MLP_PRE, Site.LN1_NORMALIZED, Site.LN2_NORMALIZED)
                            .contains(hook.site());
                    assertThat(found.directPath().isEmpty()).as(hook.toString()).isEqualTo(!direct);
                    assertThat(found.features()).as(hook.toString()).allMatch(f -> f.logits().isPresent() == direct)
                            .allMatch(f -> f.active() == 0 || f.removal().isPresent());
                }
            }
        }
    }

    @Test
    void whatDoesNotFitIsExplained() {
        assertThatThrownBy(() -> FeatureProfiles.compute(model, sae, scores, new int[] {7}, List.of(), ProfileSettings.of(0),
                Progress.NONE)).isInstanceOf(Sae4jException.class).hasMessageContaining("no feature 7, only 0 to 6");
        LabelScores empty = LabelScores.of(EncodedCorpus.encode(model, sae, List.of(new Document("a", "")), Progress.NONE), Progress.NONE);
        assertThat(empty.best("a", 1)).isEmpty();
        assertThatThrownBy(() -> FeatureProfiles.compute(model, sae, empty, new int[] {1}, List.of(), ProfileSettings.of(0),
                Progress.NONE)).isInstanceOf(Sae4jException.class).hasMessageContaining("the corpus holds no token");
        assertThatThrownBy(() -> new ProfileSettings(0, 1, 0, 1, 1, 1, 1, 1, 1, 1)).isInstanceOf(IllegalArgumentException.class);
    }

    /** Features of neurons that write W_out into the MLP's output do what they do as neurons. */
    @Test
    void aTranscodersFeaturesAreReadAtItsInputAndRemovedAtItsOutput() {
        int n = NEURONS + 1;
        Map<String, Tensor> own = sae.parameters();
        Tensor out = model.parameters().get("blocks.0.mlp.W_out");
        float[] decoder = new float[n * CONFIG.dModel()];
        for (int i = 0; i < NEURONS; i++) {
            out.copyTo((long) i * CONFIG.dModel(), decoder, i * CONFIG.dModel(), CONFIG.dModel());
        }
        for (int c = 0; c < CONFIG.dModel(); c++) {
            decoder[DEAD * CONFIG.dModel() + c] = 3 * out.at(0, c) + 4 * out.at(1, c);
        }
        SaeConfig config = SaeConfig.builder(SaeConfig.Architecture.RELU, NEURONS, n).hook(HOOK)
                .transcoder(CONFIG.dModel(), Optional.of(HookPoint.Site.MLP_OUT.at(0))).build();
        try (SparseAutoencoder transcoder = SparseAutoencoders.of(config, Map.of("W_enc", own.get("W_enc"), "b_enc", own.get("b_enc"),
                "W_dec", Tensor.of(decoder, n, CONFIG.dModel()), "b_dec", model.parameters().get("blocks.0.mlp.b_out")), engine)) {
            LabelScores read = LabelScores.of(EncodedCorpus.encode(model, transcoder, DOCUMENTS, Progress.NONE), Progress.NONE);
            FeatureProfiles found = FeatureProfiles.compute(model, transcoder, read, IntStream.rangeClosed(0, DEAD).toArray(), FACTS,
                    ProfileSettings.of(0), Progress.NONE);
            assertThat(found.hook()).isEqualTo("blocks.0.mlp.hook_post to blocks.0.hook_mlp_out");
            for (int feature = 0; feature < NEURONS; feature++) {
                FeatureProfile expected = profiles.features().get(feature);
                FeatureProfile actual = found.features().get(feature);
                assertThat(actual.density()).isEqualTo(expected.density());
                assertThat(actual.examples()).usingRecursiveComparison().isEqualTo(expected.examples());
                assertThat(actual.removal().orElseThrow().lossChange()).isCloseTo(expected.removal().orElseThrow().lossChange(), within(1e-5));
                assertThat(actual.logits().orElseThrow().top().getFirst().token())
                        .isEqualTo(expected.logits().orElseThrow().top().getFirst().token());
            }
        }
    }
}
