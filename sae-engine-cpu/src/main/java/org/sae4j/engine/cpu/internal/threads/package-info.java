/**
 * Threads: {@link org.sae4j.engine.cpu.internal.threads.Workers} spread tasks over them, a {@link org.sae4j.engine.cpu.internal.threads.Step} is what a
 * program runs. Knows nothing of the rest.
 */
@NullMarked
package org.sae4j.engine.cpu.internal.threads;

import org.jspecify.annotations.NullMarked;
