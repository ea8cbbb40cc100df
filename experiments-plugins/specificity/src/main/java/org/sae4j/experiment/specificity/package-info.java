/** The experiment {@code specificity}: which features detect which labels, how specifically and how sensitively. */
package org.sae4j.experiment.specificity;
