/** Neighborhoods of features in decoder space, and their two- and three-dimensional maps. */
module org.sae4j.experiment.neighborhood {
    requires transitive org.sae4j.api;
}
