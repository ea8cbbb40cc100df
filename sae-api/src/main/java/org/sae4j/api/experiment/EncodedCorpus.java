package org.sae4j.api.experiment;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;

/**
 * Documents with the feature activations of their tokens. Every document is a context of its own, begun by the beginning-of-sequence token
 * if the tokenizer has one; that token is left out, and documents longer than the context are cut. Immutable.
 */
public final class EncodedCorpus {
    private static final int BATCH_TOKENS = 4096;

    private final List<Document> documents;
    private final int[][] tokens;
    private final int[] offsets;
    private final SparseRows features;

    private EncodedCorpus(List<Document> documents, int[][] tokens, int[] offsets, SparseRows features) {
        this.documents = documents;
        this.tokens = tokens;
        this.offsets = offsets;
        this.features = features;
    }

    /**
     * Runs documents through a model and an autoencoder.
     *
     * @param model a model with a tokenizer
     * @param sae an autoencoder that knows its hook point in the model
     * @param documents the texts
     * @param progress told of every batch
     * @return the encoded corpus
     * @throws Sae4jException if the model has no tokenizer, or the autoencoder names no hook point of the model or has another width
     * @throws java.util.concurrent.CancellationException if cancelled
     */
    public static EncodedCorpus encode(Transformer model, SparseAutoencoder sae, List<Document> documents, Progress progress) {
        Tokenizer tokenizer = model.tokenizer().orElseThrow(() -> new Sae4jException("texts cannot be encoded without a tokenizer",
                model.config().name(), "put tokenizer.json into the model's folder"));
        HookPoint hook = hookOf(model, sae);
        int bos = tokenizer.bos().orElse(-1);
        int prefix = bos < 0 ? 0 : 1;
        int limit = model.config().nCtx() - prefix;
        int[][] tokens = new int[documents.size()][];
        int[] offsets = new int[documents.size() + 1];
        for (int d = 0; d < tokens.length; d++) {
            int[] ids = tokenizer.encode(documents.get(d).text()).ids();
            tokens[d] = ids.length > limit ? Arrays.copyOf(ids, limit) : ids;
            offsets[d + 1] = offsets[d] + tokens[d].length;
        }
        SparseRows[] rows = new SparseRows[tokens.length];
        int done = 0;
        for (int[] batch : batches(tokens)) {
            progress.checkCancelled();
            int length = tokens[batch[batch.length - 1]].length + prefix;
            int[][] padded = new int[batch.length][length];
            for (int b = 0; b < batch.length; b++) {
                if (prefix == 1) {
                    padded[b][0] = bos;
                }
                System.arraycopy(tokens[batch[b]], 0, padded[b], prefix, tokens[batch[b]].length);
            }
            Tensor x = model.forward(padded, ForwardPlan.capture(hook)).get(hook);
            SparseRows encoded = sae.encode(x.reshape(batch.length * length, sae.config().dIn()));
            for (int b = 0; b < batch.length; b++) {
                int first = b * length + prefix;
                rows[batch[b]] = encoded.rows(first, first + tokens[batch[b]].length);
            }
            done += batch.length;
            progress.update("encoding documents", done, tokens.length);
        }
        return new EncodedCorpus(List.copyOf(documents), tokens, offsets, concatenate(rows, offsets, sae.config().dSae()));
    }

    /**
     * The hook point of an autoencoder, checked against a model.
     *
     * @param model the model
     * @param sae the autoencoder
     * @return the hook point
     * @throws Sae4jException if the autoencoder names no hook point of the model, or has another width, or is a transcoder, whose output
     *     cannot take the place of what it reads
     */
    public static HookPoint hookOf(Transformer model, SparseAutoencoder sae) {
        if (sae.config().transcoder()) {
            throw new Sae4jException("a transcoder does not reconstruct what it reads, so its output cannot take the place of its input",
                    sae.config().toString(), "use an autoencoder; features of a transcoder can be had with encode");
        }
        HookPoint hook = sae.config().hook().orElseThrow(() -> new Sae4jException("the autoencoder does not say where its input comes from",
                "its configuration", "set hook_name in cfg.json"));
        if (!model.hookPoints().contains(hook)) {
            throw new Sae4jException("the autoencoder's hook point is not in the model", hook + " of " + model.config().name() + " with "
                    + model.config().nLayers() + " layers", "use the model that the autoencoder was trained on");
        }
        int width = model.width(hook).orElse(0);
        if (width != sae.config().dIn()) {
            throw new Sae4jException("the autoencoder takes inputs of width " + sae.config().dIn() + ", but the hook point has " + width,
                    hook + " of " + model.config().name(), "use the model that the autoencoder was trained on");
        }
        return hook;
    }

    private static List<int[]> batches(int[][] tokens) {
        List<Integer> order = new ArrayList<>(IntStream.range(0, tokens.length).filter(d -> tokens[d].length > 0).boxed().toList());
        order.sort(Comparator.comparingInt(d -> tokens[d].length));
        List<int[]> batches = new ArrayList<>();
        int from = 0;
        for (int to = 1; to <= order.size(); to++) {
            if (to == order.size() || (to + 1 - from) * (tokens[order.get(to)].length + 1) > BATCH_TOKENS) {
                batches.add(order.subList(from, to).stream().mapToInt(Integer::intValue).toArray());
                from = to;
            }
        }
        return batches;
    }

    private static SparseRows concatenate(SparseRows[] documents, int[] offsets, int columns) {
        int entries = Arrays.stream(documents).mapToInt(r -> r == null ? 0 : r.entries()).sum();
        int[] starts = new int[offsets[documents.length] + 1];
        int[] indices = new int[entries];
        float[] values = new float[entries];
        int n = 0;
        for (int d = 0; d < documents.length; d++) {
            for (int row = 0; row < offsets[d + 1] - offsets[d]; row++) {
                for (int e = documents[d].start(row); e < documents[d].start(row + 1); e++) {
                    indices[n] = documents[d].index(e);
                    values[n++] = documents[d].value(e);
                }
                starts[offsets[d] + row + 1] = n;
            }
        }
        return new SparseRows(columns, starts, indices, values);
    }

    /** {@return the documents} */
    public List<Document> documents() {
        return documents;
    }

    /**
     * The tokens of a document, without the beginning-of-sequence token.
     *
     * @param document number of the document
     * @return a copy
     * @throws IndexOutOfBoundsException if there is no such document
     */
    public int[] tokens(int document) {
        return tokens[document].clone();
    }

    /** {@return feature activations, one row for each token of all documents, in order} */
    public SparseRows features() {
        return features;
    }

    /**
     * The first row of a document in {@link #features()}; the document ends where the next one starts.
     *
     * @param document from 0 to the number of documents
     * @return the row
     * @throws IndexOutOfBoundsException if there is no such document
     */
    public int start(int document) {
        return offsets[document];
    }

    /**
     * The document that a row belongs to.
     *
     * @param row a row of {@link #features()}
     * @return its document
     * @throws IndexOutOfBoundsException if there is no such row
     */
    public int documentOf(int row) {
        java.util.Objects.checkIndex(row, features.rows());
        int low = 0;
        int high = documents.size();
        while (high - low > 1) {
            int middle = (low + high) >>> 1;
            if (offsets[middle] <= row) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /**
     * The largest activation of every feature in every document.
     *
     * @return by feature and document
     */
    public float[][] maxByDocument() {
        float[][] max = new float[features.columns()][documents.size()];
        for (int d = 0; d < documents.size(); d++) {
            for (int e = features.start(offsets[d]); e < features.start(offsets[d + 1]); e++) {
                int feature = features.index(e);
                max[feature][d] = Math.max(max[feature][d], features.value(e));
            }
        }
        return max;
    }
}
