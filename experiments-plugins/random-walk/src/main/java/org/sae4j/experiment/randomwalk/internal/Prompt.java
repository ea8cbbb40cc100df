package org.sae4j.experiment.randomwalk.internal;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.experiment.randomwalk.RandomWalkConfig;

/**
 * The prompt whose token is the start.
 *
 * @param tokens with the beginning-of-sequence token if there is one
 * @param prefix 1 if there is one, else 0
 * @param next the token that follows in the corpus, if the prompt comes from there
 * @param origin where it comes from, for people
 */
record Prompt(int[] tokens, int prefix, OptionalInt next, String origin) {
    private static final String DEFAULT_TEXT = "The capital of France is";

    static Prompt choose(RandomWalkConfig config, ExperimentContext context) {
        TransformerConfig model = context.model().config();
        Optional<Tokenizer> tokenizer = context.model().tokenizer();
        OptionalInt bos = tokenizer.isPresent() ? context.tokenization().bos() : OptionalInt.empty();
        int prefix = (int) bos.stream().count();
        int room = Math.max(1, Math.min(config.promptTokens(), model.nCtx() - prefix - config.continuation() + 1));
        if (tokenizer.isEmpty()) {
            if (!config.text().isEmpty()) {
                throw new Sae4jException("a text cannot be encoded without a tokenizer", model.name(),
                        "put tokenizer.json into the model's folder, or leave the setting text empty for random tokens");
            }
            CounterRandom random = context.random("random-walk prompt");
            return new Prompt(IntStream.range(0, room).map(_ -> random.nextInt(model.dVocab())).toArray(), 0, OptionalInt.empty(),
                    "random tokens");
        }
        Tokenizer t = tokenizer.get();
        if (config.text().isEmpty() && !context.corpus().isEmpty()) {
            Prompt found = fromCorpus(context, t, bos, room);
            if (found.tokens().length > prefix) {
                return found;
            }
        }
        String text = config.text().isEmpty() ? DEFAULT_TEXT : config.text();
        int[] ids = t.encode(text).ids();
        if (ids.length == 0 || ids.length + prefix > model.nCtx()) {
            throw new Sae4jException("the prompt has " + ids.length + " tokens, but the model takes from 1 to " + (model.nCtx() - prefix),
                    "setting text of random-walk", "set a text of another length");
        }
        return new Prompt(begin(bos, ids, ids.length), prefix, OptionalInt.empty(),
                config.text().isEmpty() ? "the default text" : "the text that was set");
    }

    /** The beginning of the first document that is long enough, from a random one on; of the longest if none is. */
    private static Prompt fromCorpus(ExperimentContext context, Tokenizer tokenizer, OptionalInt bos, int room) {
        List<Document> corpus = context.corpus();
        int first = context.random("random-walk document").nextInt(corpus.size());
        int[] longest = {};
        int document = first;
        for (int i = 0; i < corpus.size() && longest.length <= room; i++) {
            int candidate = (first + i) % corpus.size();
            int[] ids = tokenizer.encode(corpus.get(candidate).text()).ids();
            if (ids.length > longest.length) {
                longest = ids;
                document = candidate;
            }
        }
        int length = Math.min(room, longest.length > 1 ? longest.length - 1 : longest.length);
        OptionalInt next = longest.length > length ? OptionalInt.of(longest[length]) : OptionalInt.empty();
        return new Prompt(begin(bos, longest, length), (int) bos.stream().count(), next, "document " + document + " of the corpus");
    }

    private static int[] begin(OptionalInt bos, int[] ids, int length) {
        return IntStream.concat(bos.stream(), IntStream.of(ids).limit(length)).toArray();
    }

    /** The position in {@link #tokens} that a setting names. */
    int position(int setting) {
        int count = tokens.length - prefix;
        int resolved = setting < 0 ? setting + count : setting;
        if (resolved < 0 || resolved >= count) {
            throw new Sae4jException("no token " + setting + " in a prompt of " + count + " tokens, " + Arrays.toString(tokens),
                    "setting position of random-walk", "choose a position from " + -count + " to " + (count - 1));
        }
        return prefix + resolved;
    }
}
