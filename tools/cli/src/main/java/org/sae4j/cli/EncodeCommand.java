package org.sae4j.cli;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.format.SafetensorsFile;
import org.sae4j.core.format.SafetensorsWriter;
import org.sae4j.core.output.FileForm;
import org.sae4j.core.output.OutputFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Writes what an autoencoder computes. */
@Command(name = "encode", description = "Run an autoencoder and write its feature activations and reconstruction.",
        mixinStandardHelpOptions = true, versionProvider = Version.class)
final class EncodeCommand implements Runnable {
    @Option(names = "--sae", required = true, paramLabel = "PATH", description = "The autoencoder's folder or file.")
    private Path sae;

    @Option(names = "--input", required = true, paramLabel = "FILE", description = "A safetensors file with activations.")
    private Path input;

    @Option(names = "--tensor", required = true, paramLabel = "NAME", description = "The tensor in it: [B, d_in], [..., d_in], or "
            + "[..., n_heads, d_head] with d_in = n_heads d_head.")
    private String tensor;

    @Option(names = "--output", required = true, paramLabel = "FILE",
            description = "The safetensors file to write: features [B, d_sae] and reconstruction [B, d_out], "
                    + "with the tensor's axes in the place of B.")
    private Path output;

    @Mixin
    private OverwriteOption overwriteOption;

    @Mixin
    private EngineOption engineOption;

    EncodeCommand() {
    }

    @Override
    public void run() {
        Paths.existing(sae, "--sae");
        Paths.existing(input, "--input");
        OutputFile.check(output, FileForm.SAFETENSORS, overwriteOption.existing(), input, sae);
        Terminal terminal = new Terminal();
        try (Engine engine = engineOption.open(terminal); SparseAutoencoder autoencoder = SparseAutoencoders.open(sae, engine);
                SafetensorsFile file = SafetensorsFile.open(input)) {
            Tensor x = Inputs.rows(file, tensor, autoencoder.config().dIn());
            long features = x.size() / autoencoder.config().dIn() * autoencoder.config().dSae();
            if (features > Integer.MAX_VALUE) {
                throw new Sae4jException("dense features of " + features + " elements do not fit in one array", input + " tensor " + tensor,
                        "encode fewer rows at a time");
            }
            SparseRows rows = autoencoder.encode(x);
            int[] shape = x.shape();
            shape[shape.length - 1] = autoencoder.config().dSae();
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            tensors.put("features", rows.toDense().reshape(shape));
            tensors.put("reconstruction", autoencoder.reconstruct(x).reshape(outputShape(file.shape(tensor), autoencoder.config())));
            SafetensorsWriter.write(output, tensors, Map.of());
            terminal.say(String.format(java.util.Locale.ROOT, "wrote features and reconstruction of %d rows (L0 %.1f) to %s", rows.rows(),
                    rows.rows() == 0 ? 0.0 : (double) rows.entries() / rows.rows(), output));
        }
    }

    /** The input's shape; of a transcoder to another width its last axis has that width, and heads are flattened. */
    private static int[] outputShape(int[] input, SaeConfig config) {
        if (config.dOut() == config.dIn()) {
            return input;
        }
        boolean heads = input[input.length - 1] != config.dIn();
        int[] shape = Arrays.copyOf(input, input.length - (heads ? 1 : 0));
        shape[shape.length - 1] = config.dOut();
        return shape;
    }
}
