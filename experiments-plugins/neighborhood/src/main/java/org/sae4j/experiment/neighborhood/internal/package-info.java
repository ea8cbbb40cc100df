/** The similarities, maps, searches and figures of the experiment {@code neighborhood}. */
package org.sae4j.experiment.neighborhood.internal;
