/** The search, the proxies and the figures of the experiment {@code specificity}. */
package org.sae4j.experiment.specificity.internal;
