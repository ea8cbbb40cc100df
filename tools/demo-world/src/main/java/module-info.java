/** A small world of text with known truth, and two transformers trained on it. */
@org.jspecify.annotations.NullMarked
module org.sae4j.demoworld {
    requires transitive org.sae4j.api;
    requires org.sae4j.core;

    exports org.sae4j.demoworld;
}
