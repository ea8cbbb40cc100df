/** A local page that shows what the features of an autoencoder do, and the API behind it. */
@org.jspecify.annotations.NullMarked
module org.sae4j.serve {
    requires transitive org.sae4j.api;
    requires transitive org.sae4j.core;
    requires static org.jspecify;
    requires jdk.httpserver;
    requires external.umap.java;

    exports org.sae4j.serve;
}
