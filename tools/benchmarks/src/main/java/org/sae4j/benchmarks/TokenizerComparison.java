package org.sae4j.benchmarks;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.ToLongFunction;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.core.format.TokenizerFiles;

/**
 * Compares the speed of the byte-level BPE with that of Hugging Face's tokenizers library, called through DJL. Both encode the same
 * megabyte of text in the same process, in one call and line by line, and take turns; the medians of their times on the wall are printed.
 */
public final class TokenizerComparison {
    private static final int BYTES = 1 << 20;
    private static final int WARMUP_RUNS = 10;
    private static final int RUNS = 21;

    private TokenizerComparison() {}

    /**
     * Prints one line for each case.
     *
     * @param arguments a {@code tokenizer.json}, and a text file in UTF-8 with one text a line, optionally after a label and a tab
     * @throws IOException if a file cannot be read
     * @throws IllegalArgumentException if there are not two arguments, the file has no text, or the two tokenizers disagree
     */
    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 2) {
            throw new IllegalArgumentException("expected two arguments, a tokenizer.json and a text file, found " + arguments.length);
        }
        Path file = Path.of(arguments[0]);
        List<String> lines = mixed(Path.of(arguments[1]));
        System.setProperty("RUST_FLAVOR", "cpu");
        System.setProperty("ai.djl.offline", "true");
        Tokenizer own = TokenizerFiles.read(file);
        try (HuggingFaceTokenizer peer = HuggingFaceTokenizer.builder().optTokenizerPath(file).optTruncation(false).optPadding(false)
                .build()) {
            compare("one text", List.of(String.join("\n", lines)), own, peer);
            compare("line by line", lines, own, peer);
        }
    }

    /** The file's lines in random order, again and again in another one, up to a megabyte. */
    private static List<String> mixed(Path file) throws IOException {
        List<String> texts = new ArrayList<>(Files.readAllLines(file).stream().map(line -> line.substring(line.indexOf('\t') + 1))
                .filter(line -> !line.isBlank()).toList());
        if (texts.isEmpty()) {
            throw new IllegalArgumentException(file + " has no text: expected one text a line");
        }
        Random random = new Random(1);
        List<String> mixed = new ArrayList<>();
        int bytes = 0;
        while (bytes < BYTES) {
            Collections.shuffle(texts, random);
            for (int i = 0; i < texts.size() && bytes < BYTES; i++) {
                mixed.add(texts.get(i));
                bytes += texts.get(i).getBytes(StandardCharsets.UTF_8).length + 1;
            }
        }
        return mixed;
    }

    private static void compare(String name, List<String> texts, Tokenizer own, HuggingFaceTokenizer peer) {
        long tokens = 0;
        for (String text : texts) {
            int[] ids = own.encode(text).ids();
            if (!Arrays.equals(Arrays.stream(ids).asLongStream().toArray(), peer.encode(text, false, false).getIds())) {
                throw new IllegalArgumentException("the tokenizers disagree about a text of " + text.length() + " characters: " + text
                        .substring(0, Math.min(80, text.length())));
            }
            tokens += ids.length;
        }
        ToLongFunction<String> ownRun = text -> own.encode(text).ids().length;
        ToLongFunction<String> peerRun = text -> peer.encode(text, false, false).getIds().length;
        double[] ownSeconds = new double[RUNS];
        double[] peerSeconds = new double[RUNS];
        for (int run = -WARMUP_RUNS; run < RUNS; run++) {
            double ownTime = seconds(texts, ownRun, tokens);
            double peerTime = seconds(texts, peerRun, tokens);
            if (run >= 0) {
                ownSeconds[run] = ownTime;
                peerSeconds[run] = peerTime;
            }
        }
        Arrays.sort(ownSeconds);
        Arrays.sort(peerSeconds);
        double ownMedian = ownSeconds[RUNS / 2];
        double peerMedian = peerSeconds[RUNS / 2];
        long bytes = texts.stream().mapToLong(text -> text.getBytes(StandardCharsets.UTF_8).length).sum();
        System.out.printf(Locale.ROOT, "%-12s %d bytes, %d tokens   sae4j %.1f ms (%.1f MB/s)   Hugging Face %.1f ms (%.1f MB/s)"
                + "   Hugging Face / sae4j %.1f%n", name, bytes, tokens, ownMedian * 1e3, bytes / ownMedian / 1e6, peerMedian * 1e3,
                bytes / peerMedian / 1e6, peerMedian / ownMedian);
    }

    private static double seconds(List<String> texts, ToLongFunction<String> encode, long expected) {
        long start = System.nanoTime();
        long tokens = 0;
        for (String text : texts) {
            tokens += encode.applyAsLong(text);
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        if (tokens != expected) {
            throw new IllegalStateException("expected " + expected + " tokens, found " + tokens);
        }
        return seconds;
    }
}
