package org.sae4j.core.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.ElementType;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.model.Context;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Tokenization;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.RandomModels;
import org.sae4j.core.Transformers;
import org.sae4j.core.activations.Contexts;
import org.sae4j.core.activations.Corpus;
import org.sae4j.core.activations.TextContexts;
import org.sae4j.core.activations.TokenContexts;
import org.sae4j.core.experiment.DataFiles;
import org.sae4j.core.output.Existing;
import org.sae4j.testkit.ReferenceEngine;

class HarvestTest {
    private static final TransformerConfig CONFIG = TransformerConfig.builder("small").layers(2).dModel(6).heads(2).dHead(3).dMlp(5)
                .nCtx(9).dVocab(30).activation(TransformerConfig.Activation.GELU).build();
    private static final HookPoint MLP = HookPoint.mlpPost(0);
    private static final HookPoint Z = HookPoint.parse("blocks.1.attn.hook_z").orElseThrow();
    private static final int BOS = 0;
    private static final int WINDOW = 40;
    private static Engine engine;
    private static Transformer model;

    @TempDir
    private Path folder;

    @BeforeAll
    static void open() {
        engine = new ReferenceEngine();
        model = Transformers.of(CONFIG, RandomModels.parameters(CONFIG, 1), Optional.empty(), engine);
    }

    @AfterAll
    static void close() {
        model.close();
        engine.close();
    }

    /** A token for each letter: a is 1, b is 2; everything else is 28. */
    private record Letters(OptionalInt bos, String before) implements Tokenizer {
        private static int longest;

        @Override
        public Encoding encode(String text) {
            longest = Math.max(longest, text.length());
            int[] ids = (before + text).chars().map(c -> c >= 'a' && c <= 'z' ? c - 'a' + 1 : 28).toArray();
            return new Encoding(ids, IntStream.range(0, ids.length).toArray(), IntStream.rangeClosed(1, ids.length).toArray());
        }

        @Override
        public String decode(int... ids) {
            return IntStream.of(ids).mapToObj(this::token).collect(Collectors.joining());
        }

        @Override
        public String token(int id) {
            return id == BOS ? "|" : id == 28 ? "_" : String.valueOf((char) ('a' + id - 1));
        }

        @Override
        public int vocabularySize() {
            return 29;
        }
    }

    private static final Letters LETTERS = new Letters(OptionalInt.of(BOS), "");

    private Path file(String name, String text) {
        try {
            return Files.writeString(folder.resolve(name), text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> contexts(Contexts contexts) {
        List<String> all = new ArrayList<>();
        try (contexts) {
            for (Optional<Context> next = contexts.next(); next.isPresent(); next = contexts.next()) {
                all.add(LETTERS.decode(next.get().tokens()));
            }
        }
        return all;
    }

    private static Contexts texts(Corpus corpus, Tokenization.Packing packing, int length) {
        return new TextContexts(corpus, Tokenization.of(LETTERS, length).withPacking(packing));
    }

    @Test
    void documentsBecomeContextsOfTheirOwnOrArePacked() {
        Path lines = file("c.tsv", "x\tabcdefg\n\ny\thi\n\tj\n");
        assertThat(contexts(texts(Corpus.labelled(List.of(lines)), Tokenization.Packing.DOCUMENTS, 4)))
                .containsExactly("|abc", "|def", "|g", "|hi", "|j");
        assertThat(contexts(texts(Corpus.labelled(List.of(lines)), Tokenization.Packing.PACKED, 4)))
                .containsExactly("|abc", "|def", "|g|h", "|i|j");
        assertThat(contexts(texts(Corpus.labelled(List.of(lines)), Tokenization.Packing.PACKED, 5)))
                .containsExactly("|abcd", "|efg|", "|hi|j");
        assertThat(contexts(new TextContexts(Corpus.labelled(List.of(lines)), Tokenization.of(LETTERS, 4)
                .withPacking(Tokenization.Packing.PACKED).withoutBos()))).containsExactly("abcd", "efgh", "ij");
    }

    @Test
    void everyKindOfFileGivesItsTexts() {
        Path json = file("c.jsonl", "{\"text\": \"ab\", \"body\": \"x\"}\n{\"text\": \"c\\nd\", \"body\": \"yz\"}\n");
        assertThat(contexts(texts(Corpus.jsonl(List.of(json), "text"), Tokenization.Packing.DOCUMENTS, 9)))
                .containsExactly("|ab", "|c_d");
        assertThat(contexts(texts(Corpus.jsonl(List.of(json, json), "body"), Tokenization.Packing.DOCUMENTS, 9)))
                .containsExactly("|x", "|yz", "|x", "|yz");
        Path plain = file("c.txt", "ab\ncd");
        assertThat(contexts(texts(Corpus.text(List.of(plain, file("empty.txt", ""), plain)), Tokenization.Packing.DOCUMENTS, 9)))
                .containsExactly("|ab_cd", "|ab_cd");
        assertThat(contexts(new TokenContexts(List.of(file("t.txt", "0 1 2\n\n0,3, 4\n")), Set.of(BOS)))).containsExactly("|ab", "|cd");
    }

    @Test
    void aLongTextIsReadInPiecesAndLosesNothing() {
        CounterRandom random = new CounterRandom(1);
        StringBuilder text = new StringBuilder();
        while (text.length() < 2_500_000) {
            text.append(random.nextInt(12) == 0 ? "\n" : random.nextInt(7) == 0 ? " " : "" + (char) ('a' + random.nextInt(26)));
            if (text.length() > 1_000_000 && text.length() < 2_200_000 && text.charAt(text.length() - 1) == '\n') {
                text.setCharAt(text.length() - 1, 'q');
            }
        }
        Path file = file("long.txt", text.toString());
        StringBuilder read = new StringBuilder();
        Letters.longest = 0;
        int at = 0;
        try (Contexts contexts = new TextContexts(Corpus.text(List.of(file)), Tokenization.of(new Letters(OptionalInt.empty(), ""), 1000))) {
            for (Optional<Context> next = contexts.next(); next.isPresent(); next = contexts.next()) {
                for (int position = 0; position < next.get().size(); position++) {
                    assertThat(next.get().start(position)).isEqualTo(at++);
                }
                read.append(LETTERS.decode(next.get().tokens()));
            }
        }
        assertThat(Letters.longest).isLessThanOrEqualTo(1 << 20);
        assertThat(read.toString()).isEqualTo(LETTERS.decode(LETTERS.encode(text.toString()).ids()));
        try (Corpus corpus = Corpus.text(List.of(file, file("short.txt", "ab")))) {
            assertThat(corpus.documents(Progress.NONE)).extracting(Document::text).containsExactly(text.toString(), "ab");
        }
    }

    /** A tokenizer that puts something before every text must not see one in pieces. */
    @Test
    void aTextIsNotCutWhereItsTokensWouldChange() {
        String text = "abc\n".repeat(100_000);
        assertThat(Tokenization.of(new Letters(OptionalInt.empty(), "z"), 1_000_000).contexts(text)).singleElement().satisfies(context ->
                assertThat(context.size()).isEqualTo(text.length() + 1));
    }

    @Test
    void oneTokenBeginsAContextAlsoWhereTheTextHasOne() {
        Path json = file("b.jsonl", "{\"text\": \"ab\"}\n{\"text\": \"cd\"}\n");
        Letters bosAtA = new Letters(OptionalInt.of(1), "");
        assertThat(contexts(new TextContexts(Corpus.jsonl(List.of(json), "text"), Tokenization.of(bosAtA, 9)))).containsExactly("ab", "acd");
        assertThat(contexts(new TextContexts(Corpus.jsonl(List.of(json, json), "text"), Tokenization.of(bosAtA, 9)
                .withPacking(Tokenization.Packing.PACKED)))).containsExactly("abacdabac", "ad");
    }

    @Test
    void byteOrderMarksAreNoPartOfATextOrItsLabel() {
        Path tsv = file("bom.tsv", "\uFEFFlabel\tab\n");
        try (Corpus corpus = Corpus.labelled(List.of(tsv, tsv))) {
            assertThat(corpus.documents(Progress.NONE)).containsExactly(new Document("label", "ab"), new Document("label", "ab"));
        }
        assertThat(DataFiles.corpus(tsv)).containsExactly(new Document("label", "ab"));
        assertThat(contexts(texts(Corpus.jsonl(List.of(file("bom.jsonl", "\uFEFF{\"text\": \"ab\"}\n")), "text"),
                Tokenization.Packing.DOCUMENTS, 9))).containsExactly("|ab");
        assertThat(contexts(texts(Corpus.text(List.of(file("bom.txt", "\uFEFFab"))), Tokenization.Packing.DOCUMENTS, 9)))
                .containsExactly("|ab");
    }

    @Test
    void whatCannotBeReadIsNamedWithItsLine() throws IOException {
        assertThatThrownBy(() -> contexts(texts(Corpus.jsonl(List.of(file("a", "{\"text\": \"a\"}\n{\"text\": 3}\n")), "text"),
                Tokenization.Packing.PACKED, 9))).isInstanceOf(Sae4jException.class).hasMessageContaining("line 2")
                .hasMessageContaining("'text'");
        assertThatThrownBy(() -> contexts(texts(Corpus.jsonl(List.of(file("a", "{\"text\": \"a\"")), "text"),
                Tokenization.Packing.PACKED, 9))).isInstanceOf(Sae4jException.class).hasMessageContaining("line 1");
        Path latin = folder.resolve("latin");
        Files.write(latin, new byte[] {'a', '\n', (byte) 0xe4, '\n'});
        assertThatThrownBy(() -> contexts(texts(Corpus.labelled(List.of(latin)), Tokenization.Packing.PACKED, 9)))
                .isInstanceOf(Sae4jException.class).hasMessageContaining("not UTF-8");
        assertThatThrownBy(() -> Corpus.text(List.of(folder.resolve("nowhere")))).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("nowhere");
        assertThatThrownBy(() -> contexts(new TokenContexts(List.of(file("t", "1 2 x\n")), Set.of()))).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("'x'").hasMessageContaining("line 1");
        assertThatThrownBy(() -> texts(Corpus.text(List.of(latin)), Tokenization.Packing.PACKED, 1)).isInstanceOf(Sae4jException.class);
    }

    private static Contexts of(int[][] rows) {
        return Contexts.of(Stream.of(rows).map(row -> {
            boolean[] counted = new boolean[row.length];
            for (int i = 0; i < row.length; i++) {
                counted[i] = row[i] != BOS && row[i] != 7;
            }
            return Context.of(row, counted, 0);
        }).toList());
    }

    private static int[][] tokens(int rows, long seed) {
        CounterRandom random = new CounterRandom(seed);
        int[][] tokens = new int[rows][];
        for (int row = 0; row < rows; row++) {
            tokens[row] = random.ints(1 + random.nextInt(9), 1, 30).toArray();
            tokens[row][0] = BOS;
        }
        return tokens;
    }

    private Harvest.Settings settings(String name, long maxRows) {
        Map<HookPoint, Path> stores = new LinkedHashMap<>();
        stores.put(MLP, folder.resolve(name + "/mlp"));
        stores.put(Z, folder.resolve(name + "/z"));
        return new Harvest.Settings(stores, ElementType.F32, maxRows, 50);
    }

    @Test
    void rowsAreTheModelsOwnForEveryHookPointInOnePass() {
        int[][] tokens = tokens(60, 1);
        HarvestProgress done = Harvest.run(model, of(tokens), settings("h", Long.MAX_VALUE), Existing.REFUSE, Progress.NONE);
        assertThat(done.contexts()).isEqualTo(60);
        assertThat(done.tokens()).isEqualTo(Stream.of(tokens).mapToInt(row -> row.length).sum());
        for (HookPoint hook : List.of(MLP, Z)) {
            try (ActivationStore store = ActivationStore.open(folder.resolve(hook == MLP ? "h/mlp" : "h/z"))) {
                assertThat(store.info().hook()).contains(hook);
                assertThat(store.info().modelFingerprint()).isEqualTo(model.fingerprint());
                assertThat(store.info().source()).containsEntry("kind", "contexts in memory");
                var source = store.all().sequential();
                float[] row = new float[source.width()];
                int count = 0;
                for (int[] context : tokens) {
                    Tensor expected = model.forward(new int[][] {context}, ForwardPlan.capture(hook)).get(hook);
                    for (int position = 0; position < context.length; position++) {
                        if (context[position] != BOS && context[position] != 7) {
                            source.next(row);
                            float[] exact = new float[row.length];
                            expected.copyTo((long) position * row.length, exact, 0, row.length);
                            assertThat(row).containsExactly(exact, within(1e-6f));
                            count++;
                        }
                    }
                }
                assertThat(store.rows()).isEqualTo(count);
            }
        }
    }

    /** Cancelled at any place, or torn away from under its stores: the bytes are those of one go. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void anInterruptedHarvestGoesOnToTheSameBytes(long seed) throws IOException {
        int[][] tokens = tokens(150, 2);
        Harvest.run(model, of(tokens), settings("once", 300), Existing.REFUSE, WINDOW, Progress.NONE);
        CounterRandom random = new CounterRandom(seed);
        boolean resume = false;
        while (true) {
            int stopAfter = 1 + random.nextInt(3);
            int[] asked = {0};
            Progress progress = new Progress() {
                @Override
                public void update(String stage, long done, long total) {}

                @Override
                public boolean isCancelled() {
                    return ++asked[0] > 10 * stopAfter;
                }
            };
            try {
                Harvest.run(model, of(tokens), settings("often", 300), resume ? Existing.RESUME : Existing.REFUSE, WINDOW,
                        random.nextInt(3) == 0 ? progress : stopping(stopAfter));
                break;
            } catch (CancellationException e) {
                resume = true;
            }
        }
        for (String name : List.of("mlp", "z")) {
            try (Stream<Path> files = Files.list(folder.resolve("once").resolve(name))) {
                for (Path file : files.toList()) {
                    assertThat(folder.resolve("often").resolve(name).resolve(file.getFileName())).hasSameBinaryContentAs(file);
                }
            }
        }
    }

    private static Progress stopping(int updates) {
        int[] seen = {0};
        return new Progress() {
            @Override
            public void update(String stage, long done, long total) {
                if (stage.equals("harvesting")) {
                    seen[0]++;
                }
            }

            @Override
            public boolean isCancelled() {
                return seen[0] >= updates;
            }
        };
    }

    @Test
    void anInterruptedThreadCancelsAndWhatWasHarvestedIsKept() throws IOException {
        int[][] tokens = tokens(150, 2);
        Harvest.run(model, of(tokens), settings("whole", 300), Existing.REFUSE, WINDOW, Progress.NONE);
        Progress interrupting = new Progress() {
            private int seen;

            @Override
            public void update(String stage, long done, long total) {
                if (++seen == 3) {
                    Thread.currentThread().interrupt();
                }
            }

            @Override
            public boolean isCancelled() {
                return false;
            }
        };
        assertThatThrownBy(() -> Harvest.run(model, of(tokens), settings("interrupted", 300), Existing.REFUSE, WINDOW, interrupting))
                .isInstanceOf(CancellationException.class);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(Files.readString(folder.resolve("interrupted/mlp/store.json"))).doesNotContain("\"tokens\": 0");
        Harvest.run(model, of(tokens), settings("interrupted", 300), Existing.RESUME, WINDOW, Progress.NONE);
        try (ActivationStore whole = ActivationStore.open(folder.resolve("whole/mlp"));
                ActivationStore resumed = ActivationStore.open(folder.resolve("interrupted/mlp"))) {
            assertThat(resumed.rows()).isEqualTo(whole.rows());
        }
    }

    @Test
    void aHarvestIsGoneOnWithOverTheSameTokensOnly() {
        int[][] tokens = tokens(100, 2);
        assertThatThrownBy(() -> Harvest.run(model, of(tokens), settings("h", Long.MAX_VALUE), Existing.REFUSE, WINDOW, stopping(1)))
                .isInstanceOf(CancellationException.class);
        assertThatThrownBy(() -> Harvest.run(model, of(tokens), settings("h", Long.MAX_VALUE), Existing.REFUSE, WINDOW, Progress.NONE))
                .isInstanceOf(Sae4jException.class).hasMessageContaining("already");
        int[][] other = tokens.clone();
        other[5] = new int[] {BOS, 1, 2};
        assertThatThrownBy(() -> Harvest.run(model, of(other), settings("h", Long.MAX_VALUE), Existing.RESUME, WINDOW, Progress.NONE))
                .isInstanceOf(Sae4jException.class).hasMessageContaining("other tokens");
        assertThatThrownBy(() -> Harvest.run(model, of(Arrays.copyOf(tokens, 5)), settings("h", Long.MAX_VALUE), Existing.RESUME, WINDOW,
                Progress.NONE)).isInstanceOf(Sae4jException.class).hasMessageContaining("the corpus ends after 5 contexts");
        Harvest.run(model, of(tokens), settings("h", Long.MAX_VALUE), Existing.RESUME, WINDOW, Progress.NONE);
        assertThatThrownBy(() -> Harvest.run(model, of(tokens), settings("h", Long.MAX_VALUE), Existing.RESUME, WINDOW, Progress.NONE))
                .isInstanceOf(Sae4jException.class).hasMessageContaining("complete");
    }

    @Test
    void whatTheModelCannotReadIsRefused() {
        assertThatThrownBy(() -> Harvest.run(model, of(new int[][] {{1, 30}}), settings("a", 10), Existing.REFUSE, WINDOW, Progress.NONE))
                .isInstanceOf(Sae4jException.class).hasMessageContaining("token id 30");
        assertThatThrownBy(() -> Harvest.run(model, of(new int[][] {new int[10]}), settings("b", 10), Existing.REFUSE, WINDOW, Progress.NONE))
                .isInstanceOf(Sae4jException.class).hasMessageContaining("10 tokens");
        assertThatThrownBy(() -> Harvest.run(model, of(new int[][] {{BOS}}), settings("c", 10), Existing.REFUSE, WINDOW, Progress.NONE))
                .isInstanceOf(Sae4jException.class).hasMessageContaining("no row");
        Harvest.Settings logits = new Harvest.Settings(Map.of(HookPoint.LOGITS, folder.resolve("d")), ElementType.F32, 10, 0);
        assertThatThrownBy(() -> Harvest.run(model, of(new int[][] {{1, 2}}), logits, Existing.REFUSE, Progress.NONE))
                .isInstanceOf(Sae4jException.class).hasMessageContaining("logits");
        assertThat(folder.resolve("d")).doesNotExist();
    }
}
