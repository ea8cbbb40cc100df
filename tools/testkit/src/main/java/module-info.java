/** Conformance suites for third-party engines and experiments. */
module org.sae4j.testkit {
    requires transitive org.sae4j.api;
    requires transitive org.junit.jupiter.api;
    requires org.assertj.core;
}
