/** Random walks over the graph of features. */
module org.sae4j.experiment.randomwalk {
    requires transitive org.sae4j.api;
}
