/** Renders results of experiments as a report that opens in a browser, and writes and reads them as JSON. */
@org.jspecify.annotations.NullMarked
module org.sae4j.report {
    requires transitive org.sae4j.api;
    requires static org.jspecify;
    requires org.sae4j.core;
    requires tools.jackson.core;

    exports org.sae4j.report;
}
