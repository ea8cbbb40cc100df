package org.sae4j.api.experiment;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.model.Context;
import org.sae4j.api.model.Tokenization;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.EncodedText;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.api.sae.TextEncoder;

/**
 * Documents with the feature activations of their tokens, all of them in memory; {@link TextEncoder} gives them one after the other. Tokens
 * that do not count, such as the beginning-of-sequence token, are left out wherever they stand; documents longer than the context go on in
 * further contexts. Immutable.
 */
public final class EncodedCorpus {
    private final List<Document> documents;
    private final List<EncodedText> texts;
    private final int[] offsets;
    private final SparseRows features;

    private EncodedCorpus(List<Document> documents, List<EncodedText> texts, int columns) {
        this.documents = documents;
        this.texts = texts;
        offsets = new int[texts.size() + 1];
        for (int d = 0; d < texts.size(); d++) {
            offsets[d + 1] = Math.addExact(offsets[d], texts.get(d).size());
        }
        features = SparseRows.concatenate(columns, texts.stream().map(EncodedText::features).toList());
    }

    /**
     * Runs documents through a model and an autoencoder in the usual way, {@link Transformer#tokenization()}.
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
        Objects.requireNonNull(model, "model");
        Objects.requireNonNull(sae, "sae");
        Objects.requireNonNull(documents, "documents");
        Objects.requireNonNull(progress, "progress");
        return encode(model, sae, documents, model.tokenization(), progress);
    }

    /**
     * Runs documents through a model and an autoencoder.
     *
     * @param model a model
     * @param sae an autoencoder that knows its hook point in the model
     * @param documents the texts
     * @param tokenization how texts become contexts, and which tokens count
     * @param progress told of every batch
     * @return the encoded corpus
     * @throws Sae4jException if the autoencoder names no hook point of the model or has another width
     * @throws java.util.concurrent.CancellationException if cancelled
     */
    public static EncodedCorpus encode(Transformer model, SparseAutoencoder sae, List<Document> documents, Tokenization tokenization,
            Progress progress) {
        Objects.requireNonNull(model, "model");
        Objects.requireNonNull(sae, "sae");
        Objects.requireNonNull(documents, "documents");
        Objects.requireNonNull(tokenization, "tokenization");
        Objects.requireNonNull(progress, "progress");
        TextEncoder encoder = new TextEncoder(model, sae, documents.stream().map(Document::text).iterator(), tokenization, progress);
        List<EncodedText> texts = new ArrayList<>(documents.size());
        while (encoder.hasNext()) {
            texts.add(encoder.next());
        }
        return new EncodedCorpus(List.copyOf(documents), List.copyOf(texts), sae.config().dSae());
    }

    /** {@return the documents} */
    public List<Document> documents() {
        return documents;
    }

    /**
     * A document with its tokens, their places in its text, and their features.
     *
     * @param document number of the document
     * @return the encoded text; its row r is row {@code start(document) + r} of this corpus
     * @throws IndexOutOfBoundsException if there is no such document
     */
    public EncodedText text(int document) {
        return texts.get(document);
    }

    /**
     * The tokens of a document that count.
     *
     * @param document number of the document
     * @return their ids
     * @throws IndexOutOfBoundsException if there is no such document
     */
    public int[] tokens(int document) {
        return texts.get(document).tokens();
    }

    /** {@return how many tokens the model read that do not count} */
    public long leftOut() {
        return texts.stream().mapToLong(EncodedText::leftOut).sum();
    }

    /**
     * What the model read when it came to a token.
     *
     * @param row a row of {@link #features()}
     * @return the context that the token is in
     * @throws IndexOutOfBoundsException if there is no such row
     */
    public Context context(int row) {
        int document = documentOf(row);
        return texts.get(document).context(row - offsets[document]);
    }

    /**
     * A token's position in its context.
     *
     * @param row a row of {@link #features()}
     * @return the position in {@link #context}
     * @throws IndexOutOfBoundsException if there is no such row
     */
    public int position(int row) {
        int document = documentOf(row);
        return texts.get(document).position(row - offsets[document]);
    }

    /** {@return feature activations, one row for each token that counts of all documents, in order} */
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
        Objects.checkIndex(row, features.rows());
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
