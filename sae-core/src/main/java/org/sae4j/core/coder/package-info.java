/**
 * Architectures of autoencoders and transcoders: one class each, which says everything that depends on the architecture. A plugin adds one
 * with {@link org.sae4j.core.coder.CoderArchitecture} as a service.
 */
@org.jspecify.annotations.NullMarked
package org.sae4j.core.coder;
