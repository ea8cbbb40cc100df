package org.sae4j.experiment.causaltracing.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.stats.Statistics;

/** Ways to make a model forget a subject. */
public final class Corruption {
    private Corruption() {}

    /**
     * A corrupted run.
     *
     * @param run the run, from its tokens
     * @param foil another answer whose logit, where it parts from the answer, is subtracted to score the run; empty to score it by the
     *     answer's probability
     */
    public record Corrupted(BatchedRuns.Run run, int[] foil) {
        /**
         * The score of logits.
         *
         * @param rows logits at the scored positions
         * @param answer the answer's tokens
         * @return probability of the answer, or its logit minus the foil's at the first token where they differ
         */
        public double score(float[][] rows, int[] answer) {
            if (foil.length == 0) {
                return Scores.probability(rows, answer);
            }
            int at = Scores.parting(answer, foil);
            return (double) rows[at][answer[at]] - rows[at][foil[at]];
        }
    }

    /**
     * A prompt with its corrupted runs.
     *
     * @param prompt the prompt
     * @param corrupted at least one corrupted run
     */
    public record Case(Prompt prompt, List<Corrupted> corrupted) {}

    /**
     * The standard deviation of the elements of the subjects' token embeddings, each subject token of each prompt counting once.
     *
     * @param prompts the prompts
     * @param embeddings the embedding matrix [d_vocab, d_model]
     * @return the standard deviation
     */
    public static double embeddingDeviation(List<Prompt> prompts, Tensor embeddings) {
        int width = embeddings.dim(1);
        int count = prompts.stream().mapToInt(Prompt::subjectLength).sum();
        double[] values = new double[Math.multiplyExact(count, width)];
        int n = 0;
        for (Prompt prompt : prompts) {
            for (int t = prompt.subjectFrom(); t < prompt.subjectTo(); t++) {
                for (float value : embeddings.row(prompt.tokens()[t])) {
                    values[n++] = value;
                }
            }
        }
        return Statistics.standardDeviation(values);
    }

    /**
     * Adds Gaussian noise to the subject's token embeddings. The noise depends on the seed, the prompt and the number of the run alone, so
     * it is the same for every restored place, and scales with {@code deviation}.
     *
     * @param prompt the prompt
     * @param rows number of corrupted runs
     * @param deviation the noise's standard deviation
     * @param width d_model
     * @param random where noise comes from
     * @return the prompt with its corrupted runs
     */
    public static Case noise(Prompt prompt, int rows, double deviation, int width, CounterRandom random) {
        CounterRandom own = random.stream(prompt.fact().prompt());
        float[][][] noise = new float[rows][prompt.subjectLength()][width];
        for (int r = 0; r < rows; r++) {
            CounterRandom numbers = own.stream(r);
            for (float[] token : noise[r]) {
                for (int i = 0; i < width; i++) {
                    token[i] = (float) (numbers.nextGaussian() * deviation);
                }
            }
        }
        return noise(prompt, noise);
    }

    /**
     * Adds given noise to the subject's token embeddings.
     *
     * @param prompt the prompt
     * @param noise by corrupted run, token of the subject and d_model; tokens beyond the subject's are not used
     * @return the prompt with its corrupted runs
     */
    public static Case noise(Prompt prompt, float[][][] noise) {
        List<Corrupted> corrupted = new ArrayList<>();
        for (float[][] row : noise) {
            List<BatchedRuns.Change> changes = IntStream.range(0, prompt.subjectLength()).mapToObj(t -> BatchedRuns.Change.add(
                    HookPoint.EMBED, prompt.subjectFrom() + t, row[t])).toList();
            corrupted.add(new Corrupted(prompt.run().changed(changes), new int[0]));
        }
        return new Case(prompt, List.copyOf(corrupted));
    }

    /**
     * The noise of a prompt's corrupted runs.
     *
     * @param noisy a prompt with noise
     * @return by corrupted run, token of the subject and d_model
     */
    public static float[][][] values(Case noisy) {
        return noisy.corrupted().stream().map(c -> c.run().changes().stream().map(BatchedRuns.Change::value).toArray(float[][]::new))
                .toArray(float[][][]::new);
    }

    /**
     * Replaces subjects by other subjects of as many tokens, with another answer: symmetric token replacement (Zhang and Nanda 2023). The
     * foil is the other subject's answer.
     *
     * @param prompts prompts of one relation
     * @param most replacing subjects of a prompt at most
     * @param random chooses them
     * @return the prompts that have such a partner, with their corrupted runs
     */
    public static List<Case> replacement(List<Prompt> prompts, int most, CounterRandom random) {
        List<Case> cases = new ArrayList<>();
        for (Prompt prompt : prompts) {
            List<Prompt> partners = new ArrayList<>(prompts.stream().filter(other -> other.subjectLength() == prompt.subjectLength()
                    && Scores.parting(prompt.answer(), other.answer()) >= 0).toList());
            CounterRandom own = random.stream(prompt.fact().prompt());
            List<Corrupted> corrupted = new ArrayList<>();
            while (corrupted.size() < most && !partners.isEmpty()) {
                Prompt partner = partners.remove(own.nextInt(partners.size()));
                int[] tokens = prompt.run().tokens();
                System.arraycopy(partner.tokens(), partner.subjectFrom(), tokens, prompt.subjectFrom(), prompt.subjectLength());
                corrupted.add(new Corrupted(BatchedRuns.Run.of(tokens, prompt.answer().length), partner.answer()));
            }
            if (!corrupted.isEmpty()) {
                cases.add(new Case(prompt, List.copyOf(corrupted)));
            }
        }
        return cases;
    }
}
