/** What changes in the output of a model when features are ablated. */
module org.sae4j.experiment.ablation {
    requires transitive org.sae4j.api;
}
