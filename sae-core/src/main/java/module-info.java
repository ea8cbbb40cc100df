/** Transformers, sparse autoencoders, training, evaluation and file formats over the kernels of an engine. */
module org.sae4j.core {
    requires transitive org.sae4j.api;
    requires tools.jackson.databind;
}
