/** Benchmarks; how to run them and what they gave is in BENCHMARKS.md. */
@NullMarked
package org.sae4j.benchmarks;

import org.jspecify.annotations.NullMarked;
