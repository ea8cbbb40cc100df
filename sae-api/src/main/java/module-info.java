/** The stable API of sae4j and the service provider interfaces of engines and experiments. */
module org.sae4j.api {
    requires static transitive org.jspecify;
}
