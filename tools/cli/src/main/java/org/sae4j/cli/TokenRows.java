package org.sae4j.cli;

import org.sae4j.api.Sae4jException;
import org.sae4j.api.model.TransformerConfig;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Rows of token ids on the command line. */
final class TokenRows {
    private TokenRows() {}

    /**
     * Reads ids such as {@code 1,2,3;4,5,6}: a row for each part between semicolons.
     *
     * @throws ParameterException if something else stands there, or rows have different lengths
     */
    static int[][] parse(String text, CommandSpec spec) {
        String[] rows = text.split(";", -1);
        int[][] tokens = new int[rows.length][];
        for (int r = 0; r < rows.length; r++) {
            String[] ids = rows[r].split(",", -1);
            tokens[r] = new int[ids.length];
            for (int i = 0; i < ids.length; i++) {
                try {
                    tokens[r][i] = Integer.parseInt(ids[i].strip());
                } catch (NumberFormatException e) {
                    throw new ParameterException(spec.commandLine(), "--tokens has '" + ids[i] + "' in row " + (r + 1)
                            + " where a token id was expected, write ids like \"1,2,3;4,5,6\"", e);
                }
            }
            if (tokens[r].length != tokens[0].length) {
                throw new ParameterException(spec.commandLine(), "--tokens has rows of " + tokens[0].length + " and " + tokens[r].length
                        + " tokens, give all rows the same length");
            }
        }
        return tokens;
    }

    /**
     * Demands that rows fit a model.
     *
     * @throws Sae4jException if they are longer than its context or an id is not in its vocabulary
     */
    static void check(int[][] tokens, TransformerConfig config) {
        int length = tokens[0].length;
        if (length > config.nCtx()) {
            throw new Sae4jException(length + " tokens are longer than the context of " + config.nCtx(), config.name(),
                    "shorten the text or the rows");
        }
        for (int[] row : tokens) {
            for (int id : row) {
                if (id < 0 || id >= config.dVocab()) {
                    throw new Sae4jException("token id " + id + " is not in the vocabulary", config.name(),
                            "use ids from 0 to " + (config.dVocab() - 1));
                }
            }
        }
    }
}
