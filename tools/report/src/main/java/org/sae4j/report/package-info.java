/**
 * Reports and result files. {@link org.sae4j.report.Report} composes {@link org.sae4j.report.Section}s into one HTML file that needs no
 * network; {@link org.sae4j.report.ResultJson} keeps a result as JSON. Parameters and results are never null. Records and reports are
 * immutable and safe for use by several threads.
 */
package org.sae4j.report;
