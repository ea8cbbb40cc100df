/** Transformers, sparse autoencoders, training, evaluation and file formats over the kernels of an engine. */
@org.jspecify.annotations.NullMarked
@SuppressWarnings("module") // The module that an internal package is exported to is built later.
module org.sae4j.core {
    requires transitive org.sae4j.api;
    requires java.net.http;
    requires jdk.management;
    requires tools.jackson.core;

    exports org.sae4j.core;
    exports org.sae4j.core.activations;
    exports org.sae4j.core.coder;
    exports org.sae4j.core.evaluate;
    exports org.sae4j.core.experiment;
    exports org.sae4j.core.features;
    exports org.sae4j.core.format;
    exports org.sae4j.core.generate;
    exports org.sae4j.core.hub;
    exports org.sae4j.core.output;
    exports org.sae4j.core.program;
    exports org.sae4j.core.store;
    exports org.sae4j.core.train;

    exports org.sae4j.core.internal.json to org.sae4j.cli, org.sae4j.report, org.sae4j.serve;

    uses org.sae4j.api.engine.EngineProvider;
    uses org.sae4j.api.experiment.Experiment;
    uses org.sae4j.core.coder.CoderArchitecture;
}
