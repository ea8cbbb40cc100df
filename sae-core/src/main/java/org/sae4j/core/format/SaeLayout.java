package org.sae4j.core.format;

import java.nio.file.Path;
import java.util.Map;
import org.sae4j.api.Tensor;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.core.internal.format.SparsifyWriter;
import org.sae4j.core.output.Existing;
import org.sae4j.core.output.FileForm;
import org.sae4j.core.output.OutputFile;

/** Layouts that autoencoders can be written in. */
public enum SaeLayout {
    /** SAELens' layout of version 6, see {@link SaeFiles#write}. */
    SAELENS {
        @Override
        public void write(Path folder, SaeConfig config, Map<String, Tensor> parameters, Map<String, ?> metadata,
                Existing existing) {
            SaeFiles.write(folder, config, parameters, metadata, existing);
        }
    },
    /**
     * EleutherAI's sparsify: TopK and group maxima, transcoders and skip connections too. The layout keeps neither the model's name nor
     * metadata; the hook point is the folder's name, such as {@code layers.3.mlp}.
     */
    SPARSIFY {
        @Override
        public void write(Path folder, SaeConfig config, Map<String, Tensor> parameters, Map<String, ?> metadata,
                Existing existing) {
            SaeFiles.check(folder, config, parameters);
            OutputFile.check(folder.resolve("sae.safetensors"), FileForm.SAFETENSORS, existing);
            OutputFile.check(folder.resolve("cfg.json"), SPARSIFY_CFG, existing);
            SparsifyWriter.write(folder, config, parameters, SafetensorsWriter::write);
        }
    };

    private static final FileForm SPARSIFY_CFG = new FileForm("the configuration of an autoencoder", 0, "{", "\"num_latents\"");

    /**
     * Writes an autoencoder.
     *
     * @param folder the folder; created if it is missing
     * @param config what is computed
     * @param parameters exactly the parameters of the architecture (see {@link SaeWeights})
     * @param metadata more entries, where the layout has a place for them
     * @param existing {@code OVERWRITE} to replace an autoencoder of this layout
     * @throws IllegalArgumentException if a parameter is missing, left over, or of another shape than {@code config} says, or the layout
     *         has no such autoencoder or transcoder
     * @throws org.sae4j.api.Sae4jException if what stands there is not to be replaced
     * @throws FormatException if a weight is NaN or infinite, or a file cannot be written
     */
    public abstract void write(Path folder, SaeConfig config, Map<String, Tensor> parameters, Map<String, ?> metadata,
            Existing existing);
}
