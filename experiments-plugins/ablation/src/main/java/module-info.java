/** What changes in a reconstruction and in the output of a model when features are ablated. */
@org.jspecify.annotations.NullMarked
module org.sae4j.experiment.ablation {
    requires transitive org.sae4j.api;
    requires static org.jspecify;

    exports org.sae4j.experiment.ablation;

    provides org.sae4j.api.experiment.Experiment with org.sae4j.experiment.ablation.AblationExperiment;
}
