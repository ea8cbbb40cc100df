/** Specificity and sensitivity of features for labels and scripts. */
@org.jspecify.annotations.NullMarked
module org.sae4j.experiment.specificity {
    requires transitive org.sae4j.api;

    exports org.sae4j.experiment.specificity;

    provides org.sae4j.api.experiment.Experiment with org.sae4j.experiment.specificity.SpecificityExperiment;
}
