package org.sae4j.engine.cpu.internal;

/** One operation, or several fused ones, bound to arrays. */
@FunctionalInterface
interface Step {
    void run();
}
