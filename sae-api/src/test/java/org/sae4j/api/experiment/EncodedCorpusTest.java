package org.sae4j.api.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyString;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Tokenization;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.api.sae.EncodedText;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.api.sae.TextEncoder;

/** In this world a token is a character, the residual stream is its code and its position, and feature f fires on the code 'a' + f. */
class EncodedCorpusTest {
    private static final int FEATURES = 4;
    private static final int CONTEXT = 10;
    private static final char BOS = '|';
    private static final HookPoint HOOK = HookPoint.residPost(0);

    private final Transformer model = mock(Transformer.class);
    private final SparseAutoencoder sae = mock(SparseAutoencoder.class);
    private final Tokenizer tokenizer = mock(Tokenizer.class);

    @BeforeEach
    void buildWorld() {
        when(model.config()).thenReturn(TransformerConfig.builder("tiny").layers(1).dModel(2).heads(1).dHead(2).dMlp(8)
                .nCtx(CONTEXT).dVocab(200).activation(TransformerConfig.Activation.RELU).normEps(0).build());
        when(model.tokenizer()).thenReturn(Optional.of(tokenizer));
        when(tokenizer.bos()).thenReturn(OptionalInt.of(BOS));
        when(model.hookPoints()).thenReturn(List.of(HOOK));
        when(model.width(HOOK)).thenReturn(OptionalInt.of(2));
        when(model.tokenization()).thenCallRealMethod();
        when(sae.encode(any(), anyString())).thenCallRealMethod();
        when(tokenizer.encode(anyString())).thenAnswer(call -> {
            int[] ids = call.<String>getArgument(0).chars().toArray();
            return new Tokenizer.Encoding(ids, IntStream.range(0, ids.length).toArray(), IntStream.rangeClosed(1, ids.length).toArray());
        });
        when(model.forward(any(), any())).thenAnswer(call -> {
            int[][] tokens = call.getArgument(0);
            int length = tokens[0].length;
            float[] x = new float[tokens.length * length * 2];
            for (int i = 0; i < tokens.length * length; i++) {
                x[2 * i] = tokens[i / length][i % length];
                x[2 * i + 1] = i % length;
            }
            return new Activations(Map.of(HOOK, Tensor.of(x, tokens.length, length, 2)));
        });
        when(sae.config()).thenReturn(config(2, Optional.of(HOOK)));
        when(sae.encode(any())).thenAnswer(call -> {
            Tensor x = call.getArgument(0);
            float[] dense = new float[x.dim(0) * FEATURES];
            for (int row = 0; row < x.dim(0); row++) {
                int feature = (int) x.at(row, 0) - 'a';
                if (feature >= 0 && feature < FEATURES) {
                    dense[row * FEATURES + feature] = x.at(row, 1);
                }
            }
            return SparseRows.ofDense(Tensor.of(dense, x.dim(0), FEATURES));
        });
    }

    private static SaeConfig config(int dIn, Optional<HookPoint> hook) {
        return SaeConfig.builder(SaeConfig.Architecture.RELU, dIn, FEATURES).applyBDecToInput(false).hook(hook).build();
    }

    private EncodedCorpus encode(String... texts) {
        return EncodedCorpus.encode(model, sae, IntStream.range(0, texts.length).mapToObj(i -> new Document("l" + i, texts[i])).toList(),
                Progress.NONE);
    }

    @Test
    void everyDocumentKeepsItsOwnTokensWithoutTheFirst() {
        EncodedCorpus corpus = encode("abz", "c", "", "bdda");
        assertThat(corpus.features().rows()).isEqualTo(8);
        assertThat(IntStream.rangeClosed(0, 4).map(corpus::start)).containsExactly(0, 3, 4, 4, 8);
        assertThat(IntStream.range(0, 8).map(corpus::documentOf)).containsExactly(0, 0, 0, 1, 3, 3, 3, 3);
        assertThat(corpus.tokens(3)).containsExactly('b', 'd', 'd', 'a');
        // The beginning-of-sequence token takes position 0, so activations are the position from 1.
        assertThat(corpus.features().column(0)).containsExactly(1, 0, 0, 0, 0, 0, 0, 4);
        assertThat(corpus.features().column(3)).containsExactly(0, 0, 0, 0, 0, 2, 3, 0);
        assertThat(corpus.maxByDocument()).isDeepEqualTo(new float[][] {{1, 0, 0, 4}, {2, 0, 0, 1}, {0, 1, 0, 0}, {0, 0, 0, 3}});
        assertThatThrownBy(() -> corpus.documentOf(8)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void manyDocumentsOfDifferentLengthsAreBatchedWithoutMixing() {
        List<Document> documents = new ArrayList<>();
        for (int i = 0; i < 3000; i++) {
            documents.add(new Document("", "abcd".repeat(3).substring(i % 4, i % 4 + i * 7 % 9)));
        }
        List<Long> reports = new ArrayList<>();
        EncodedCorpus corpus = EncodedCorpus.encode(model, sae, documents, (stage, done, total) -> reports.add(done));
        for (int d = 0; d < documents.size(); d++) {
            String text = documents.get(d).text();
            for (int t = 0; t < text.length(); t++) {
                assertThat(corpus.features().get(corpus.start(d) + t, text.charAt(t) - 'a')).isEqualTo(t + 1);
            }
        }
        assertThat(reports).isSorted().hasSizeGreaterThan(1);
        assertThat(reports.getLast()).isEqualTo(documents.stream().filter(d -> !d.text().isEmpty()).mapToLong(d -> d.text().length() + 1)
                .sum());
    }

    @Test
    void longDocumentsGoOnInFurtherContexts() {
        EncodedCorpus corpus = encode("abcdabcdabcd", "b");
        assertThat(corpus.tokens(0)).hasSize(12);
        assertThat(IntStream.range(0, 13).map(corpus::position)).containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 1);
        assertThat(corpus.features().column(1)).containsExactly(0, 2, 0, 0, 0, 6, 0, 0, 0, 1, 0, 0, 1);
        assertThat(corpus.context(9).tokens()).containsExactly(BOS, 'b', 'c', 'd');
        assertThat(corpus.leftOut()).isEqualTo(3);
        when(tokenizer.bos()).thenReturn(OptionalInt.empty());
        corpus = encode("abcdabcdabcd", "b");
        assertThat(corpus.tokens(0)).hasSize(12);
        assertThat(corpus.features().get(1, 1)).as("positions start at 0 without a beginning-of-sequence token").isEqualTo(1);
    }

    @Test
    void aBeginningOfSequenceTokenInsideATextDoesNotCountWhereverItStands() {
        EncodedCorpus corpus = encode("|ab", "a|b", "ab");
        assertThat(corpus.tokens(0)).containsExactly('a', 'b');
        assertThat(corpus.tokens(1)).containsExactly('a', 'b');
        assertThat(corpus.text(0).features().toDense().toArray()).isEqualTo(corpus.text(2).features().toDense().toArray());
        assertThat(corpus.position(3)).isEqualTo(3);
        assertThat(corpus.context(3).tokens()).containsExactly(BOS, 'a', '|', 'b');
        assertThat(corpus.text(0).start(0)).isEqualTo(1);
        assertThat(corpus.text(1).start(1)).isEqualTo(2);
        assertThat(corpus.text(1).end(1)).isEqualTo(3);
        assertThat(corpus.text(1).leftOut()).isEqualTo(2);
        EncodedCorpus all = EncodedCorpus.encode(model, sae, List.of(new Document("", "a|b")), model.tokenization()
                .withExcluded(java.util.Set.of()), Progress.NONE);
        assertThat(all.tokens(0)).containsExactly(BOS, 'a', BOS, 'b');
    }

    @Test
    void packedDocumentsKeepTheirTokens() {
        EncodedCorpus corpus = EncodedCorpus.encode(model, sae, IntStream.range(0, 4).mapToObj(i -> new Document("", "abcd".substring(i)))
                .toList(), model.tokenization().withPacking(Tokenization.Packing.PACKED), Progress.NONE);
        // |abcd|bcd| |cd|d
        assertThat(IntStream.range(0, 4).mapToObj(d -> new String(corpus.tokens(d), 0, corpus.tokens(d).length)))
                .containsExactly("abcd", "bcd", "cd", "d");
        assertThat(IntStream.range(0, 10).map(corpus::position)).containsExactly(1, 2, 3, 4, 6, 7, 8, 1, 2, 4);
        assertThat(corpus.features().column(3)).containsExactly(0, 0, 0, 4, 0, 0, 8, 0, 2, 4);
    }

    @Test
    void oneTextIsAShortWayFromTheAutoencoder() {
        EncodedText text = sae.encode(model, "abz");
        assertThat(text.tokens()).containsExactly('a', 'b', 'z');
        assertThat(text.features().get(1, 1)).isEqualTo(2);
        assertThat(text.text().substring(text.start(2), text.end(2))).isEqualTo("z");
    }

    /** Texts are asked for as they are needed, and come back in order, also those without a token. */
    @Test
    void textsAreStreamed() {
        int[] asked = {0};
        Iterator<String> endless = IntStream.iterate(0, i -> i + 1).mapToObj(i -> {
            asked[0]++;
            return i % 3 == 0 ? "" : "abcd".repeat(i % 5);
        }).iterator();
        TextEncoder encoder = new TextEncoder(model, sae, endless, model.tokenization(), Progress.NONE);
        for (int i = 0; i < 6000; i++) {
            EncodedText text = encoder.next();
            assertThat(text.text()).isEqualTo(i % 3 == 0 ? "" : "abcd".repeat(i % 5));
            assertThat(text.size()).isEqualTo(text.text().length());
        }
        assertThat(asked[0]).isLessThan(20_000);
        TextEncoder none = new TextEncoder(model, sae, List.<String>of().iterator(), model.tokenization(), Progress.NONE);
        assertThat(none.hasNext()).isFalse();
        assertThatThrownBy(none::next).isInstanceOf(NoSuchElementException.class);
    }

    @Test
    void anEmptyCorpusHasNoRows() {
        EncodedCorpus corpus = encode();
        assertThat(corpus.features().rows()).isZero();
        assertThat(corpus.maxByDocument()).hasDimensions(FEATURES, 0);
    }

    @Test
    void whatDoesNotFitIsRefusedWithARemedy() {
        when(sae.config()).thenReturn(config(3, Optional.of(HOOK)));
        assertThatThrownBy(() -> encode("a")).isInstanceOf(Sae4jException.class).hasMessageContaining("width "
                + "3").hasMessageContaining("has 2");
        when(sae.config()).thenReturn(config(2, Optional.of(HookPoint.residPost(1))));
        assertThatThrownBy(() -> encode("a")).isInstanceOf(Sae4jException.class).hasMessageContaining("blocks.1.hook_resid_post");
        when(sae.config()).thenReturn(config(2, Optional.empty()));
        assertThatThrownBy(() -> encode("a")).isInstanceOf(Sae4jException.class).hasMessageContaining("hook_name");
        when(model.tokenizer()).thenReturn(Optional.empty());
        assertThatThrownBy(() -> encode("a")).isInstanceOf(Sae4jException.class).hasMessageContaining("tokenizer.json");
    }

    @Test
    void cancellingStopsBetweenBatches() {
        Progress cancelled = new Progress() {
            @Override
            public void update(String stage, long done, long total) {
                throw new AssertionError("nothing is done after cancellation");
            }

            @Override
            public boolean isCancelled() {
                return true;
            }
        };
        List<Document> documents = List.of(new Document("", "a"));
        assertThatThrownBy(() -> EncodedCorpus.encode(model, sae, documents, cancelled)).isInstanceOf(CancellationException.class);
    }
}
