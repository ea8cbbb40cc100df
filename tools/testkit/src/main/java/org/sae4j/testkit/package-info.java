/** Conformance suites for third-party engines and experiments, and the double-precision reference that they are compared with. */
package org.sae4j.testkit;
