/**
 * The stable API of sae4j: transformers, sparse autoencoders, experiments, and the service interfaces of engines and experiments.
 */
@org.jspecify.annotations.NullMarked
module org.sae4j.api {
    requires static transitive org.jspecify;

    exports org.sae4j.api;
    exports org.sae4j.api.engine;
    exports org.sae4j.api.experiment;
    exports org.sae4j.api.lab;
    exports org.sae4j.api.model;
    exports org.sae4j.api.sae;
    exports org.sae4j.api.stats;

    uses org.sae4j.api.engine.EngineProvider;
    uses org.sae4j.api.experiment.Experiment;
}
