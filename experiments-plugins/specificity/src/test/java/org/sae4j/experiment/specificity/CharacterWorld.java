package org.sae4j.experiment.specificity;

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
 * A world with known truth: a token is a UTF-16 unit, the residual stream is its code, and features are any function of it.
 *
 * @param dSae number of features
 * @param features of a code
 * @param corpus the documents
 * @param seed of the run
 * @param progress of the run
 */
record CharacterWorld(int dSae, IntFunction<float[]> features, List<Document> corpus, long seed, Progress progress)
        implements ExperimentContext {
    static final int BOS = 0;

    private static final TransformerConfig CONFIG = TransformerConfig.builder("characters").layers(1).dModel(1).heads(1).dHead(1).dMlp(1)
                .nCtx(64).dVocab(1 << 16).activation(TransformerConfig.Activation.RELU).build();

    @Override
    public Transformer model() {
        return new Model();
    }

    @Override
    public List<SparseAutoencoder> autoencoders() {
        return List.of(new Autoencoder(dSae, features));
    }

    @Override
    public Engine engine() {
        throw new UnsupportedOperationException("no engine in this world");
    }

    @Override
    public List<Fact> facts() {
        return List.of();
    }

    @Override
    public EncodedCorpus encodedCorpus() {
        return EncodedCorpus.encode(model(), sae(), corpus, progress);
    }

    private static final class Characters implements Tokenizer {
        @Override
        public Encoding encode(String text) {
            int n = text.length();
            int[] starts = new int[n];
            int[] ends = new int[n];
            for (int i = 0; i < n; i++) {
                starts[i] = i;
                ends[i] = i + 1;
            }
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
            return OptionalInt.of(BOS);
        }
    }

    private static final class Model implements Transformer {
        @Override
        public TransformerConfig config() {
            return CONFIG;
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
            return new int[] {batch, pos, 1};
        }

        @Override
        public Optional<Tokenizer> tokenizer() {
            return Optional.of(new Characters());
        }

        @Override
        public Activations forward(int[][] tokens, ForwardPlan plan) {
            float[] codes = new float[tokens.length * tokens[0].length];
            for (int i = 0; i < codes.length; i++) {
                codes[i] = tokens[i / tokens[0].length][i % tokens[0].length];
            }
            return new Activations(Map.of(HookPoint.residPost(0), Tensor.of(codes, tokens.length, tokens[0].length, 1)));
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
            return "characters";
        }

        @Override
        public void close() {
            // There is nothing to free.
        }
    }

    private record Autoencoder(int dSae, IntFunction<float[]> features) implements SparseAutoencoder {
        @Override
        public SaeConfig config() {
            return SaeConfig.builder(SaeConfig.Architecture.RELU, 1, dSae).applyBDecToInput(false).hook(HookPoint.residPost(0)).build();
        }

        @Override
        public SparseRows encode(Tensor x) {
            float[] dense = new float[Math.toIntExact(x.size()) * dSae];
            for (int row = 0; row < x.size(); row++) {
                System.arraycopy(features.apply((int) x.get(row)), 0, dense, row * dSae, dSae);
            }
            return SparseRows.ofDense(Tensor.of(dense, Math.toIntExact(x.size()), dSae));
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
            return Map.of();
        }

        @Override
        public String fingerprint() {
            return "characters";
        }

        @Override
        public void close() {
            // There is nothing to free.
        }
    }
}
