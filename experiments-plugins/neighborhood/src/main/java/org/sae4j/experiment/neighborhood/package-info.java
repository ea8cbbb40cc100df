/** The experiment {@code neighborhood}: which features lie near each other, and what lives there. */
package org.sae4j.experiment.neighborhood;
