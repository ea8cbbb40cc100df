package org.sae4j.experiment.causaltracing.internal;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.sae4j.api.experiment.Fact;
import org.sae4j.experiment.causaltracing.TokenRole;

/**
 * A fact as tokens.
 *
 * @param fact the fact
 * @param tokens the prompt's tokens, begun by the beginning-of-sequence token if there is one
 * @param labels texts of the tokens, those of the subject starred
 * @param subjectFrom position of the subject's first token
 * @param subjectTo position after the subject's last token
 * @param answer the answer's tokens, at least one
 * @param top the model's own top prediction after the prompt
 * @param given whether the fact gives the answer; otherwise it is the model's own top prediction
 * @param known whether every token of the answer is the model's top prediction after those before it
 */
public record Prompt(Fact fact, int[] tokens, List<String> labels, int subjectFrom, int subjectTo, int[] answer, int top, boolean given,
        boolean known) {
    /**
     * The tokens that a run takes to score an answer of several tokens: the prompt, and all of the answer but its last token.
     *
     * @param prompt the prompt's tokens
     * @param answer the answer's tokens, at least one
     * @return both together
     */
    public static int[] forced(int[] prompt, int[] answer) {
        int[] forced = Arrays.copyOf(prompt, prompt.length + answer.length - 1);
        System.arraycopy(answer, 0, forced, prompt.length, answer.length - 1);
        return forced;
    }

    /** {@return the run that scores the answer, without changes} */
    public BatchedRuns.Run run() {
        return BatchedRuns.Run.of(forced(tokens, answer), answer.length);
    }

    /**
     * The positions that are restored together with a token: those behind the prompt, which predict the answer's further tokens, belong to
     * the prompt's last token.
     *
     * @param token a token of the prompt
     * @return positions of {@link #run()}, the token first
     */
    public IntStream restoredWith(int token) {
        return IntStream.range(token, token == tokens.length - 1 ? tokens.length + answer.length - 1 : token + 1);
    }

    /** {@return number of the subject's tokens} */
    public int subjectLength() {
        return subjectTo - subjectFrom;
    }

    /**
     * The part that a token plays.
     *
     * @param position the token
     * @return its role
     */
    public TokenRole role(int position) {
        if (position == tokens.length - 1) {
            return TokenRole.LAST;
        }
        if (position < subjectFrom) {
            return TokenRole.BEFORE_SUBJECT;
        }
        if (position >= subjectTo) {
            return TokenRole.AFTER_SUBJECT;
        }
        if (position == subjectTo - 1) {
            return TokenRole.LAST_SUBJECT;
        }
        return position == subjectFrom ? TokenRole.FIRST_SUBJECT : TokenRole.MIDDLE_SUBJECT;
    }

    /** {@return the role of every token} */
    public List<TokenRole> roles() {
        return IntStream.range(0, tokens.length).mapToObj(this::role).toList();
    }
}
