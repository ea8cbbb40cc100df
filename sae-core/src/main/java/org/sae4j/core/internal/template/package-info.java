/**
 * Chat templates: the part of Jinja 2 that they use, with the values of Python. Templates come from files of the internet, so everything
 * is bounded: work, output and depth. What is not known is refused by name. A template can reach nothing but the values that it is given.
 */
@NullMarked
package org.sae4j.core.internal.template;

import org.jspecify.annotations.NullMarked;
