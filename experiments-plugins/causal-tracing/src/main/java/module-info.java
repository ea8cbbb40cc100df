/** Causal tracing of facts through the activations of a model. */
module org.sae4j.experiment.causaltracing {
    requires transitive org.sae4j.api;
}
