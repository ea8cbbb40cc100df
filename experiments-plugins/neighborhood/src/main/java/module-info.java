/** Neighborhoods of features in decoder space, and their two- and three-dimensional maps. */
@org.jspecify.annotations.NullMarked
module org.sae4j.experiment.neighborhood {
    requires transitive org.sae4j.api;
    requires ejml.core;
    requires ejml.ddense;
    requires external.umap.java;

    exports org.sae4j.experiment.neighborhood;

    provides org.sae4j.api.experiment.Experiment with org.sae4j.experiment.neighborhood.NeighborhoodExperiment;
}
