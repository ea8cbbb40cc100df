/** Experiments as functions from a model, an autoencoder and a typed configuration to a typed result with figures as data. */
@NullMarked
package org.sae4j.api.experiment;

import org.jspecify.annotations.NullMarked;
