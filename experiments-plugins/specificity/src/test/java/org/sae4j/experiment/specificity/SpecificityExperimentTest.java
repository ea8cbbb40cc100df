package org.sae4j.experiment.specificity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.experiment.Figure;
import org.sae4j.api.experiment.Metric;
import org.sae4j.experiment.specificity.SpecificityResult.DetectorResult;
import org.sae4j.experiment.specificity.SpecificityResult.LabelResult;
import org.sae4j.experiment.specificity.SpecificityResult.Proxy;

class SpecificityExperimentTest {
    private static final int D_SAE = 20;
    private static final int ARABIC = 3;
    private static final int HAN = 5;
    private static final int BIASED_TO_ARABIC = 7;

    private final SpecificityExperiment experiment = new SpecificityExperiment();

    @Test
    void findsPlantedDetectorsWithAnAreaOfOne() {
        SpecificityResult data = run(world(7)).data();
        assertThat(data.labels()).extracting(LabelResult::label).containsExactly("arabic", "chinese", "english");
        LabelResult arabic = data.labels().getFirst();
        assertThat(arabic.best().feature()).isEqualTo(ARABIC);
        assertThat(arabic.best().auroc()).isEqualTo(1);
        assertThat(arabic.name()).isEqualTo("feature 3: arabic");
        assertThat(arabic.interval().low()).isEqualTo(1);
        assertThat(arabic.heldOut().feature()).isEqualTo(ARABIC);
        assertThat(arabic.heldOut().auroc()).isEqualTo(1);
        assertThat(arabic.documentDecision().precision()).isEqualTo(1);
        assertThat(arabic.documentDecision().recall()).isEqualTo(1);
        assertThat(arabic.adjustedP()).isLessThan(1e-6);
        assertThat(data.labels().get(1).best().feature()).isEqualTo(HAN);
        assertThat(data.worstLabel()).isEqualTo("english");
    }

    @Test
    void beginningOfSequenceTokensAreLeftOut() {
        // Feature 0 fires on that token alone: in every document, if it were counted.
        SpecificityResult data = run(world(7)).data();
        assertThat(data.tokens()).isEqualTo(documents(7).stream().mapToInt(d -> d.text().length()).sum());
        assertThat(data.labels()).allSatisfy(l -> assertThat(l.top()).filteredOn(f -> f.feature() == 0)
                .allSatisfy(f -> assertThat(f.auroc()).isEqualTo(0.5)));
    }

    @Test
    void shuffledLabelsGiveOneHalf() {
        double[] areas = IntStream.range(0, 40).mapToObj(seed -> run(world(seed)).data())
                .flatMap(d -> d.labels().stream()).mapToDouble(LabelResult::shuffledAuroc).toArray();
        assertThat(Arrays.stream(areas).average().orElseThrow()).isCloseTo(0.5, within(0.02));
    }

    @Test
    void aSearchUnderShuffledLabelsFindsMoreThanOneHalf() {
        assertThat(run(world(7)).data().labels()).allSatisfy(l -> assertThat(l.shuffledBest()).isBetween(0.5, 0.9));
    }

    @Test
    void studiesScriptsTokenByToken() {
        DetectorResult arabic = run(world(7)).data().detectors().getFirst();
        assertThat(arabic.proxy()).isEqualTo(Proxy.SCRIPT);
        assertThat(arabic.script()).isEqualTo("Arabic");
        assertThat(arabic.tokenDecision().precision()).isEqualTo(1);
        // It fires on letters, but hyphens between Arabic letters belong to strings of the script too.
        assertThat(arabic.tokenDecision().recall()).isBetween(0.7, 0.99);
        assertThat(arabic.weightedPrecision()).isEqualTo(1);
        assertThat(arabic.pearson()).isBetween(0.7, 1.0);
        assertThat(arabic.pearsonInterval().low()).isLessThan(arabic.pearson());
        assertThat(arabic.pearsonInterval().high()).isGreaterThan(arabic.pearson());
    }

    @Test
    void drawsExamplesFromEveryActivationInterval() {
        DetectorResult arabic = run(world(7)).data().detectors().getFirst();
        double max = arabic.histogram().edges()[arabic.histogram().edges().length - 1];
        assertThat(arabic.examples()).hasSizeGreaterThan(5);
        assertThat(arabic.examples().getFirst().interval()).isEqualTo(5);
        assertThat(arabic.examples()).allSatisfy(e -> {
            assertThat(e.activation()).isBetween(max * (e.interval() - 1) / 5 - 1e-6, max * e.interval() / 5 + 1e-6);
            assertThat(e.activations()[e.position() - e.first()]).isEqualTo(e.activation());
            assertThat(e.label()).isEqualTo("arabic");
        });
    }

    @Test
    void histogramHoldsEveryActiveToken() {
        SpecificityResult data = run(world(7)).data();
        DetectorResult arabic = data.detectors().getFirst();
        double counted = Arrays.stream(arabic.histogram().counts()).flatMapToDouble(Arrays::stream).sum();
        long letters = documents(7).stream().flatMapToInt(d -> d.text().chars()).filter(c -> features(c)[ARABIC] > 0).count();
        assertThat(counted).isEqualTo(letters);
        assertThat(Arrays.stream(arabic.histogram().counts()[0]).sum()).as("outside the script").isZero();
    }

    @Test
    void theShareOfAScriptMayBeGiven() {
        SpecificityConfig d = SpecificityConfig.defaults();
        SpecificityConfig config = new SpecificityConfig(d.features(), d.labels(), 1, d.topFeatures(), 100, d.falseDiscoveryRate(),
                d.proxyTokens(), 0.0013, d.intervals(), d.examplesPerInterval(), d.contextTokens(), List.of());
        ExperimentResult<SpecificityResult> result = experiment.run(config, world(7));
        assertThat(result.data().detectors()).singleElement().satisfies(arabic -> {
            assertThat(arabic.prior()).isEqualTo(0.0013);
            assertThat(arabic.histogram().levels()).containsExactly("outside (score -16.38)", "inside (score 6.65)");
        });
        assertThat(result.data().sentences()).isEmpty();
        assertThat(result.figures()).extracting(Figure::id).doesNotContain("sentences");
    }

    @Test
    void ofFeaturesThatAreEqualByDocumentTheBetterByTokenIsTaken() {
        // Feature 0 fires on one letter of every document of its label, feature 1 on all of its letters.
        List<Document> corpus = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            corpus.add(new Document("first", "abc"));
            corpus.add(new Document("second", "xyz"));
        }
        CharacterWorld world = new CharacterWorld(2, c -> new float[] {c == 'a' ? 1 : 0, c == 'a' || c == 'b' || c == 'c' ? 1 : 0},
                corpus, 1,
                Progress.NONE);
        assertThat(run(world).data().labels().getFirst().best().feature()).isEqualTo(1);
    }

    @Test
    void thresholdsTradePrecisionForRecall() {
        SpecificityConfig config = withFeatures(List.of(BIASED_TO_ARABIC));
        DetectorResult biased = experiment.run(config, world(7)).data().detectors().getFirst();
        assertThat(biased.label()).isEqualTo("arabic");
        assertThat(biased.tokenPrecision()[0]).isLessThan(0.9);
        assertThat(biased.tokenPrecision()[40]).isEqualTo(1);
        double[] recall = biased.tokenRecall();
        assertThat(IntStream.range(1, recall.length)).allMatch(i -> recall[i] <= recall[i - 1]);
    }

    @Test
    void comparesEquivalentSentences() {
        ExperimentResult<SpecificityResult> result = run(world(7));
        assertThat(result.data().sentences()).hasSize(15);
        assertThat(result.data().sentences()).allSatisfy(s -> {
            int arabic = s.features().indexOf(ARABIC);
            boolean fires = Arrays.stream(s.activations()[arabic]).anyMatch(a -> a > 0);
            assertThat(fires).as(s.text()).isEqualTo(s.label().equals("arabic"));
        });
        assertThat(result.figures()).extracting(Figure::id).contains("sentences", "sentence-tokens");
        assertThat(result.findings().getLast()).startsWith("On 15 sentences that mean the same in 5 categories")
                .contains("of 3 categories is most active in its own");
    }

    @Test
    void labelsWithoutAScriptAreScoredByStrings() {
        List<Document> corpus = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            corpus.add(new Document("sums", "1+" + i + "=" + (1 + i)));
            corpus.add(new Document("words", "abc" + (char) ('d' + i)));
        }
        CharacterWorld world = new CharacterWorld(2, c -> new float[] {c == '+' ? 1 : 0, c >= 'a' ? 1 : 0}, corpus, 1, Progress.NONE);
        DetectorResult sums = run(world).data().detectors().stream().filter(d -> d.label().equals("sums")).findFirst().orElseThrow();
        assertThat(sums.feature()).isZero();
        assertThat(sums.proxy()).isEqualTo(Proxy.STRINGS);
        // "1+" and "+" occur in every other sum and nowhere else.
        assertThat(Arrays.stream(sums.histogram().counts()[3]).sum()).isEqualTo(20);
        assertThat(sums.tokenDecision().precision()).isEqualTo(1);
    }

    /** A feature of the full stop between Chinese sentences is no feature of Chinese letters. */
    @Test
    void aFeatureOfPunctuationIsNotSaidToFireOnTheScript() {
        List<Document> corpus = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            corpus.add(new Document("chinese", "猫睡树。狗跑河。" + "猫狗".repeat(1 + i % 3)));
            corpus.add(new Document("english", "cat." + (char) ('a' + i)));
        }
        CharacterWorld world = new CharacterWorld(2, c -> new float[] {c == '。' ? 1 : 0, c == 't' ? 1 : 0}, corpus, 1, Progress.NONE);
        ExperimentResult<SpecificityResult> result = run(world);
        DetectorResult chinese = result.data().detectors().stream().filter(d -> d.label().equals("chinese")).findFirst().orElseThrow();
        assertThat(chinese.tokenDecision().precision()).isEqualTo(1);
        assertThat(chinese.own().value()).isZero();
        assertThat(chinese.tops()).singleElement().satisfies(t -> assertThat(t.token()).isEqualTo("。"));
        assertThat(result.findings()).anyMatch(f -> f.startsWith("Feature 0: chinese") && f.contains("fewer than of all tokens"));
    }

    @Test
    void equalRunsGiveEqualResults() {
        ExperimentResult<SpecificityResult> first = run(world(7));
        ExperimentResult<SpecificityResult> second = run(world(7));
        assertThat(second.findings()).isEqualTo(first.findings());
        assertThat(second.metrics()).isEqualTo(first.metrics());
        assertThat(second.data()).usingRecursiveComparison().isEqualTo(first.data());
        assertThat(second.figures()).usingRecursiveComparison().isEqualTo(first.figures());
    }

    @Test
    void namesAndFiguresAreUnique() {
        ExperimentResult<SpecificityResult> result = run(world(7));
        assertThat(result.metrics()).extracting(Metric::name).doesNotHaveDuplicates();
        assertThat(result.figures()).allSatisfy(f -> {
            assertThat(f.id()).matches("[a-z0-9-]+");
            assertThat(f.caption()).contains("seed 7").contains("60 documents");
        });
    }

    @Test
    void featuresThatNeverFireAreHarmless() {
        CharacterWorld silent = new CharacterWorld(D_SAE, c -> new float[D_SAE], documents(7), 7, Progress.NONE);
        ExperimentResult<SpecificityResult> result = run(silent);
        assertThat(result.data().labels()).allSatisfy(l -> {
            assertThat(l.best().auroc()).isEqualTo(0.5);
            assertThat(l.adjustedP()).isEqualTo(1);
            assertThat(l.discoveries()).isZero();
        });
    }

    @Test
    void tinyCorporaHoldNothingOut() {
        List<Document> corpus = List.of(new Document("a", "aa"), new Document("a", "ab"), new Document("b", "xy"), new Document("b", "yy"),
                new Document("rare", "z"), new Document("", "q"));
        CharacterWorld world = new CharacterWorld(1, c -> new float[] {c < 'c' ? 1 : 0}, corpus, 1, Progress.NONE);
        ExperimentResult<SpecificityResult> result = run(world);
        assertThat(result.data().labels()).extracting(LabelResult::label).containsExactly("a", "b");
        assertThat(result.notes()).anyMatch(n -> n.contains("rare")).anyMatch(n -> n.startsWith("1 documents have no label"));
    }

    @Test
    void askingWithoutLabelsSaysWhatToPass() {
        CharacterWorld none = new CharacterWorld(1, c -> new float[1], List.of(), 1, Progress.NONE);
        assertThatThrownBy(() -> run(none)).isInstanceOf(Sae4jException.class).hasMessageContaining("ExperimentRun.Builder.corpus");
        CharacterWorld bare = new CharacterWorld(1, c -> new float[1], List.of(new Document("", "text")), 1, Progress.NONE);
        assertThatThrownBy(() -> run(bare)).isInstanceOf(Sae4jException.class).hasMessageContaining("ExperimentRun.Builder.corpus");
        CharacterWorld single = new CharacterWorld(1, c -> new float[1],
                List.of(new Document("a", "text"), new Document("a", "text")), 1, Progress.NONE);
        assertThatThrownBy(() -> run(single)).isInstanceOf(Sae4jException.class).hasMessageContaining("at least 2 documents");
    }

    @Test
    void unknownFeaturesAndLabelsAreRefused() {
        assertThatThrownBy(() -> experiment.run(withFeatures(List.of(D_SAE)), world(7))).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("no feature 20").hasMessageContaining("0 to 19");
        SpecificityConfig d = SpecificityConfig.defaults();
        SpecificityConfig klingon = new SpecificityConfig(List.of(), List.of("klingon"), d.details(), d.topFeatures(), d.resamples(),
                d.falseDiscoveryRate(), d.proxyTokens(), d.scriptPrior(), d.intervals(), d.examplesPerInterval(), d.contextTokens(),
                List.of());
        assertThatThrownBy(() -> experiment.run(klingon, world(7))).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("klingon").hasMessageContaining("arabic");
    }

    @Test
    void cancellingStopsTheRun() {
        Progress cancelled = new Progress() {
            @Override
            public void update(String stage, long done, long total) {
                // Nobody watches.
            }

            @Override
            public boolean isCancelled() {
                return true;
            }
        };
        CharacterWorld world = new CharacterWorld(D_SAE, SpecificityExperimentTest::features, documents(7), 7, cancelled);
        assertThatThrownBy(() -> run(world)).isInstanceOf(CancellationException.class);
    }

    @Test
    void isFoundAsAService() {
        assertThat(ServiceLoader.load(Experiment.class).stream().map(ServiceLoader.Provider::type)).contains(SpecificityExperiment.class);
    }

    private ExperimentResult<SpecificityResult> run(CharacterWorld world) {
        return experiment.run(experiment.defaults(), world);
    }

    private static SpecificityConfig withFeatures(List<Integer> features) {
        SpecificityConfig d = SpecificityConfig.defaults();
        return new SpecificityConfig(features, d.labels(), d.details(), d.topFeatures(), d.resamples(), d.falseDiscoveryRate(),
                d.proxyTokens(), d.scriptPrior(), d.intervals(), d.examplesPerInterval(), d.contextTokens(), d.sentences());
    }

    private static CharacterWorld world(long seed) {
        return new CharacterWorld(D_SAE, SpecificityExperimentTest::features, documents(seed), seed, Progress.NONE);
    }

    private static float[] features(int code) {
        float[] features = new float[D_SAE];
        boolean arabic = Character.UnicodeScript.of(code) == Character.UnicodeScript.ARABIC;
        features[0] = code == CharacterWorld.BOS ? 9 : 0;
        features[ARABIC] = arabic ? 1 + code % 4 : 0;
        features[HAN] = Character.UnicodeScript.of(code) == Character.UnicodeScript.HAN ? 2 : 0;
        features[BIASED_TO_ARABIC] = arabic ? 3 : code == ' ' || code == 'a' ? 1 : 0;
        features[11] = code == 'b' || code == '狗' ? 1 : 0;
        features[12] = code == 'c' || code == '狐' ? 1 : 0;
        return features;
    }

    private static List<Document> documents(long seed) {
        CounterRandom random = new CounterRandom(seed).stream("documents");
        List<String> alphabets = List.of("ابتثجح", "狐狸狗猫狼熊", "bcdefg");
        List<String> labels = List.of("arabic", "chinese", "english");
        List<Document> documents = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            int language = i % 3;
            StringBuilder text = new StringBuilder();
            for (int word = 0; word < 5; word++) {
                text.append(word == 0 ? "" : language == 0 ? "-" : " ");
                for (int letter = 0; letter < 5; letter++) {
                    text.append(alphabets.get(language).charAt(random.nextInt(6)));
                }
            }
            documents.add(new Document(labels.get(language), text.toString()));
        }
        return documents;
    }
}
