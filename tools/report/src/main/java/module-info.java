/** Renders results of experiments as a report that opens in a browser. */
module org.sae4j.report {
    requires transitive org.sae4j.api;
    requires tools.jackson.databind;
}
