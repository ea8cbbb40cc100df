/** Causal tracing of facts through the activations of a model, and rank-one edits of them. */
@org.jspecify.annotations.NullMarked
module org.sae4j.experiment.causaltracing {
    requires transitive org.sae4j.api;
    requires static org.jspecify;

    exports org.sae4j.experiment.causaltracing;

    provides org.sae4j.api.experiment.Experiment with org.sae4j.experiment.causaltracing.CausalTracingExperiment;
}
