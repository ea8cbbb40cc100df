package org.sae4j.experiment.randomwalk;

import org.sae4j.api.experiment.Experiment;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.experiment.randomwalk.internal.RandomWalkRun;

/**
 * Walks of fixed step length from the feature activations of one token: where they go, how their curves compare with the theory of random
 * walks, and what the model makes of every step when the difference to the start is added to its activations, the error of the
 * autoencoder kept. It needs a model and an autoencoder; a tokenizer adds texts, a corpus adds data to compare with.
 */
public final class RandomWalkExperiment implements Experiment<RandomWalkConfig, RandomWalkResult> {
    /** Creates the experiment. */
    public RandomWalkExperiment() {}

    @Override
    public String id() {
        return "random-walk";
    }

    @Override
    public String title() {
        return "Random walks from a latent";
    }

    @Override
    public String description() {
        return "Walks from the feature activations of one token in steps of fixed length, draws the curves over those that theory expects "
                + "of any random walk, and decodes every step into the model.";
    }

    @Override
    public RandomWalkConfig defaults() {
        return RandomWalkConfig.defaults();
    }

    @Override
    public ExperimentResult<RandomWalkResult> run(RandomWalkConfig config, ExperimentContext context) {
        return new RandomWalkRun(config, context).result();
    }
}
