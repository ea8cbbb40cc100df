package org.sae4j.experiment.causaltracing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.experiment.Fact;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.Engines;
import org.sae4j.core.Transformers;
import org.sae4j.core.experiment.ConfigBinder;
import org.sae4j.core.experiment.ExperimentRun;
import org.sae4j.experiment.causaltracing.CausalTracingResult.RankOneEdit;
import org.sae4j.experiment.causaltracing.CausalTracingResult.TracedFact;
import org.sae4j.testkit.SmallModels;

/** Answers of several tokens, the model's own predictions as answers, and subjects that stand inside words or several times. */
class AnswersTest {
    private static final CausalTracingExperiment EXPERIMENT = new CausalTracingExperiment();
    private static final String TRACE_ONLY = "\"replacements\": 0, \"sweepTo\": 0, \"noiseRows\": 2";
    private static Engine engine;
    private static Transformer model;

    @BeforeAll
    static void open() {
        engine = Engines.open("cpu", new EngineOptions(Optional.empty(), 1, Map.of()));
        TransformerConfig config = SmallModels.config(2, TransformerConfig.Activation.GELU);
        model = Transformers.of(config, SmallModels.parameters(config, 12), Optional.of(SmallModels.characters()), engine);
    }

    @AfterAll
    static void close() {
        model.close();
        engine.close();
    }

    private static ExperimentResult<CausalTracingResult> run(List<Fact> facts, String json) {
        return ExperimentRun.builder(model, engine).facts(facts).build().run(EXPERIMENT, ConfigBinder.bind(EXPERIMENT.defaults(),
                "{" + json + "}", "test"));
    }

    private static ExperimentResult<CausalTracingResult> trace(Fact... facts) {
        return run(List.of(facts), TRACE_ONLY + ", \"edit\": {\"facts\": 0}");
    }

    private static String subject(TracedFact fact) {
        return fact.tokens().stream().map(t -> t.endsWith("*") ? t.substring(0, 1) : "_").collect(Collectors.joining());
    }

    /** The product of the probabilities of the answer's tokens, by whole passes. */
    private static double probability(String prompt, String answer) {
        Tokenizer tokenizer = model.tokenizer().orElseThrow();
        int[] tokens = IntStream.concat(tokenizer.bos().stream(), IntStream.of(tokenizer.encode(prompt + answer).ids())).toArray();
        Tensor logits = model.forward(new int[][] {tokens}, ForwardPlan.logits()).get(HookPoint.LOGITS).slice(0);
        double product = 1;
        for (int at = tokens.length - answer.length(); at < tokens.length; at++) {
            float[] row = logits.row(at - 1);
            double sum = 0;
            for (float logit : row) {
                sum += Math.exp((double) logit - row[tokens[at]]);
            }
            product /= sum;
        }
        return product;
    }

    @Test
    void anAnswerIsScoredByAllOfItsTokens() {
        TracedFact fact = trace(new Fact("color", "so red is", "red", " warm")).data().facts().getFirst();
        assertThat(fact.clean()).isCloseTo(probability("so red is", " warm"), within(1e-9));
        assertThat(fact.answerTokens()).containsExactly(" ", "w", "a", "r", "m");
        assertThat(fact.known()).isFalse();
        assertThat(fact.sites()).allSatisfy(site -> assertThat(site.restored()).hasNumberOfRows(fact.tokens().size()));
    }

    /** Tokens before the subject can change nothing, for answers of several tokens too. */
    @Test
    void tokensBeforeTheSubjectGiveTheCorruptedScoreExactly() {
        TracedFact fact = trace(new Fact("color", "so red is", "red", "xyz")).data().facts().getFirst();
        assertThat(fact.corrupted()).isNotEqualTo(fact.clean());
        fact.sites().forEach(site -> assertThat(site.restored()[0]).containsOnly(fact.corrupted()));
    }

    /** The new answer begins as the old one does: an edit that only looked at the first token had nothing to do. */
    @Test
    void anEditToAnAnswerWithTheSameFirstTokenWritesAllOfIt() {
        List<Fact> facts = List.of(new Fact("color", "it is red", "red", "ma"), new Fact("color", "it is blue", "blue", "q"));
        RankOneEdit edit = run(facts, TRACE_ONLY + ", \"edit\": {\"subject\": \"red\", \"target\": \"mo\", \"layers\": [1], \"clamp\": 8,"
                + " \"steps\": 100, \"weightDecay\": 0.001, \"klFactor\": 0}").data().edits().getFirst();
        assertThat(edit.newBefore()).isCloseTo(probability("it is red", "mo"), within(1e-9));
        assertThat(edit.steps()).isPositive();
        assertThat(edit.newAfter()).isGreaterThan(2 * edit.newBefore());
        assertThat(edit.undone()).isTrue();
        assertThatThrownBy(() -> run(facts, TRACE_ONLY + ", \"edit\": {\"subject\": \"red\", \"target\": \"m\"}"))
                .isInstanceOf(Sae4jException.class).hasMessageContaining("one begins with the other");
    }

    @Test
    void theModelsOwnPredictionIsNotCalledRight() {
        ExperimentResult<CausalTracingResult> result = trace(new Fact("color", "so red is", "red", ""));
        assertThat(result.data().facts().getFirst().given()).isFalse();
        assertThat(result.findings()).anyMatch(f -> f.startsWith("No answers were given")).noneMatch(f -> f.contains("right answer"));
    }

    @Test
    void oneFactSaysNothingAboutTheRelation() {
        assertThat(trace(new Fact("color", "so red is", "red", "w")).findings()).anyMatch(f -> f.startsWith("One fact says nothing"))
                .noneMatch(f -> f.contains("early site"));
    }

    @Test
    void aSubjectIsTheFirstWholeWord() {
        ExperimentResult<CausalTracingResult> inside = trace(new Fact("capital", "a bchad chad", "chad", "n"));
        assertThat(subject(inside.data().facts().getFirst())).endsWith("_________chad");
        assertThat(inside.notes()).noneMatch(n -> n.contains("more than once"));
        ExperimentResult<CausalTracingResult> first = trace(new Fact("capital", "chad, a chadian", "chad", "n"));
        assertThat(subject(first.data().facts().getFirst())).endsWith("chad___________");
        ExperimentResult<CausalTracingResult> twice = trace(new Fact("capital", "red is red", "red", "n"));
        assertThat(subject(twice.data().facts().getFirst())).endsWith("red_______");
        assertThat(twice.notes()).anyMatch(n -> n.startsWith("In 1 of 1 prompts the subject occurs more than once"));
        assertThat(trace(new Fact("capital", "a chadian", "chad", "n")).notes()).anyMatch(n -> n.contains("only a part of words"));
    }

    @Test
    void noiseIsRecordedAndCanBeGiven() {
        CausalTracingResult drawn = trace(new Fact("color", "so red is", "red", "w")).data();
        assertThat(drawn.noiseValues()).hasDimensions(2, 3);
        StringBuilder json = new StringBuilder("[");
        for (float[][] row : drawn.noiseValues()) {
            json.append(json.length() > 1 ? ", " : "").append(java.util.Arrays.deepToString(row));
        }
        CausalTracingResult given = run(List.of(new Fact("color", "so red is", "red", "w")), TRACE_ONLY + ", \"noiseValues\": " + json
                + "], \"edit\": {\"facts\": 0}").data();
        assertThat(given.facts().getFirst().corruptedRows()).containsExactly(drawn.facts().getFirst().corruptedRows());
        assertThatThrownBy(() -> run(List.of(new Fact("color", "so red is", "red", "w")), "\"noiseValues\": [[[1, 2]]]"))
                .isInstanceOf(Sae4jException.class).hasMessageContaining("noiseValues");
    }
}
