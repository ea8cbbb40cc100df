/** How specific the features of an autoencoder are to a concept. */
module org.sae4j.experiment.specificity {
    requires transitive org.sae4j.api;
}
