/** Random walks from a latent of a sparse autoencoder, decoded into the model at every step. */
@org.jspecify.annotations.NullMarked
module org.sae4j.experiment.randomwalk {
    requires transitive org.sae4j.api;
    requires static org.jspecify;
    requires ejml.core;
    requires ejml.ddense;

    exports org.sae4j.experiment.randomwalk;

    provides org.sae4j.api.experiment.Experiment with org.sae4j.experiment.randomwalk.RandomWalkExperiment;
}
