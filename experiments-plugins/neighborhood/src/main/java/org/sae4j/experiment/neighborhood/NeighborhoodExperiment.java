package org.sae4j.experiment.neighborhood;

import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.experiment.neighborhood.NeighborhoodConfig.Source;
import org.sae4j.experiment.neighborhood.internal.NeighborhoodRun;

/**
 * Nearest neighbors of features by decoder, encoder and activations, how far these agree, maps of all features, clusters, the splitting of
 * features between autoencoders of different size, and the share of concepts that have a feature. It needs weights alone; a corpus adds
 * activations, densities, labels and concepts.
 */
public final class NeighborhoodExperiment implements Experiment<NeighborhoodConfig, NeighborhoodResult> {
    /** Creates the experiment. */
    public NeighborhoodExperiment() {}

    @Override
    public String id() {
        return "neighborhood";
    }

    @Override
    public String title() {
        return "Feature neighborhoods";
    }

    @Override
    public String description() {
        return "Finds the nearest neighbors of features by decoder, encoder and activations, compares them, and maps all features in two "
                + "and three dimensions.";
    }

    @Override
    public NeighborhoodConfig defaults() {
        return NeighborhoodConfig.defaults();
    }

    @Override
    public ExperimentResult<NeighborhoodResult> run(NeighborhoodConfig config, ExperimentContext context) {
        int dSae = context.sae().config().dSae();
        for (int feature : config.features()) {
            if (feature < 0 || feature >= dSae) {
                throw new Sae4jException("no feature " + feature + ", only 0 to " + (dSae - 1), "setting features of neighborhood",
                        "choose features of this autoencoder");
            }
        }
        if (config.source() == Source.ACTIVATIONS && context.corpus().isEmpty()) {
            throw new Sae4jException("activations can only be compared over texts, but the run has none", "setting source of neighborhood",
                    "pass texts with ExperimentRun.Builder.corpus, or choose DECODER or ENCODER");
        }
        return new NeighborhoodRun(config, context).result();
    }
}
