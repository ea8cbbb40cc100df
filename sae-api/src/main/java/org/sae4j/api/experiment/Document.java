package org.sae4j.api.experiment;

/**
 * A text with a label.
 *
 * @param label its category, such as a language; empty if it has none
 * @param text the text
 */
public record Document(String label, String text) {}
