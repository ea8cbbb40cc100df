package org.sae4j.cli;

import java.util.List;

/** A command that needs more than picocli knows of, such as one of several options. What lacks is said at once, whoever finds it. */
interface Needs {
    /** {@return what is missing, as the message says it, such as {@code '--model=DIR'}; empty if nothing is} */
    List<String> missing();
}
