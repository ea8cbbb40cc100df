/** A small synthetic world with a model, an autoencoder and known ground truth. */
module org.sae4j.demoworld {
    requires transitive org.sae4j.core;
}
