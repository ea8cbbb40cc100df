package org.sae4j.experiment.neighborhood;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.IntFunction;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.experiment.Fact;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;

/**
 * A world with planted weights, whose tokens are UTF-16 units and whose feature activations are any function of them.
 *
 * @param autoencoders with planted weights
 * @param width of the model and its autoencoders
 * @param engine for the experiment's programs
 * @param corpus the documents
 * @param seed of the run
 * @param progress of the run
 */
record PlantedWorld(List<SparseAutoencoder> autoencoders, int width, Engine engine, List<Document> corpus, long seed, Progress progress)
        implements ExperimentContext {

    /** An autoencoder with planted weights; its input carries the code of the token in the first place. */
    record Planted(Tensor encoder, Tensor decoder, IntFunction<float[]> features, boolean transcoder) implements SparseAutoencoder {
        Planted(Tensor encoder, Tensor decoder, IntFunction<float[]> features) {
            this(encoder, decoder, features, false);
        }

        @Override
        public SaeConfig config() {
            SaeConfig.Builder config = SaeConfig.builder(SaeConfig.Architecture.RELU, encoder.dim(0), decoder.dim(0))
                    .applyBDecToInput(false).hook(HookPoint.residPost(0));
            return (transcoder ? config.transcoder(decoder.dim(1), Optional.of(HookPoint.Site.MLP_OUT.at(0))) : config).build();
        }

        @Override
        public SparseRows encode(Tensor x) {
            int width = decoder.dim(1);
            int rows = Math.toIntExact(x.size() / width);
            int n = decoder.dim(0);
            float[] dense = new float[rows * n];
            for (int row = 0; row < rows; row++) {
                System.arraycopy(features.apply((int) x.get((long) row * width)), 0, dense, row * n, n);
            }
            return SparseRows.ofDense(Tensor.of(dense, rows, n));
        }

        @Override
        public Tensor decode(SparseRows rows) {
            throw new UnsupportedOperationException("nothing decodes in this world");
        }

        @Override
        public Tensor reconstruct(Tensor x) {
            throw new UnsupportedOperationException("nothing decodes in this world");
        }

        @Override
        public Map<String, Tensor> parameters() {
            return Map.of("W_enc", encoder, "W_dec", decoder);
        }

        @Override
        public String fingerprint() {
            return "planted";
        }

        @Override
        public void close() {
            // There is nothing to free.
        }
    }

    @Override
    public Transformer model() {
        return new Model(width);
    }

    @Override
    public List<Fact> facts() {
        return List.of();
    }

    @Override
    public EncodedCorpus encodedCorpus() {
        return EncodedCorpus.encode(model(), sae(), corpus, progress);
    }

    private record Model(int width) implements Transformer, Tokenizer {
        @Override
        public TransformerConfig config() {
            return TransformerConfig.builder("planted").layers(1).dModel(width).heads(1).dHead(width).dMlp(1)
                .nCtx(64).dVocab(1 << 16).activation(TransformerConfig.Activation.RELU).build();
        }

        @Override
        public List<HookPoint> hookPoints() {
            return List.of(HookPoint.residPost(0));
        }

        @Override
        public List<HookPoint> cacheHooks() {
            return List.of();
        }

        @Override
        public int[] shape(HookPoint hook, int batch, int pos) {
            return new int[] {batch, pos, width};
        }

        @Override
        public Optional<Tokenizer> tokenizer() {
            return Optional.of(this);
        }

        @Override
        public Activations forward(int[][] tokens, ForwardPlan plan) {
            float[] x = new float[tokens.length * tokens[0].length * width];
            for (int row = 0; row < tokens.length * tokens[0].length; row++) {
                x[row * width] = tokens[row / tokens[0].length][row % tokens[0].length];
            }
            return new Activations(Map.of(HookPoint.residPost(0), Tensor.of(x, tokens.length, tokens[0].length, width)));
        }

        @Override
        public Map<String, Tensor> parameters() {
            return Map.of();
        }

        @Override
        public Transformer with(Map<String, Tensor> changed) {
            throw new UnsupportedOperationException("this model has no parameters");
        }

        @Override
        public String fingerprint() {
            return "planted";
        }

        @Override
        public void close() {
            // There is nothing to free.
        }

        @Override
        public Encoding encode(String text) {
            int[] starts = new int[text.length()];
            java.util.Arrays.setAll(starts, i -> i);
            int[] ends = new int[text.length()];
            java.util.Arrays.setAll(ends, i -> i + 1);
            return new Encoding(text.chars().toArray(), starts, ends);
        }

        @Override
        public String decode(int... ids) {
            return new String(ids, 0, ids.length);
        }

        @Override
        public String token(int id) {
            return decode(id);
        }

        @Override
        public int vocabularySize() {
            return 1 << 16;
        }

        @Override
        public OptionalInt bos() {
            return OptionalInt.of(0);
        }
    }
}
