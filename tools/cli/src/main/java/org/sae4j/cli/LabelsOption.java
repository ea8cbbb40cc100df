package org.sae4j.cli;

import java.nio.file.Path;
import java.util.Map;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.features.FeatureLabels;
import picocli.CommandLine.Option;

/** The option of commands that show or keep the names that people give to features. */
final class LabelsOption {
    @Option(names = "--labels", paramLabel = "FILE", defaultValue = FeatureLabels.FILE, description = "The file of names that people give to "
            + "features: sae serve keeps them there, and every page shows them. Default: ${DEFAULT-VALUE}, if it exists.")
    private Path file;

    LabelsOption() {
    }

    Path file() {
        return file;
    }

    /** {@return the names of an autoencoder's features} */
    Map<Integer, FeatureLabels.Label> of(SparseAutoencoder autoencoder) {
        return FeatureLabels.read(file).of(autoencoder.fingerprint());
    }
}
