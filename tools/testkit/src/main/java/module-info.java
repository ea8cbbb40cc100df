/** Conformance suites for third-party engines and experiments, and the double-precision reference that they are compared with. */
@org.jspecify.annotations.NullMarked
module org.sae4j.testkit {
    requires transitive org.sae4j.api;
    requires static org.jspecify;

    exports org.sae4j.testkit;
}
