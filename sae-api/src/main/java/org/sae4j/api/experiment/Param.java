package org.sae4j.api.experiment;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Documents one setting of an experiment, on a component of its configuration record. {@code sae run NAME --help} prints it, and values out
 * of range are refused before the experiment starts.
 *
 * <p>In Kotlin it stands before a property of a {@code @JvmRecord} class, which compiles it to a parameter of the constructor;
 * {@link Params#of} finds it there too.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.RECORD_COMPONENT, ElementType.PARAMETER, ElementType.FIELD, ElementType.METHOD})
public @interface Param {
    /** {@return what the setting means} */
    String value();

    /** {@return the unit, or empty} */
    String unit() default "";

    /** {@return the smallest allowed number} */
    double min() default Double.NEGATIVE_INFINITY;

    /** {@return the largest allowed number} */
    double max() default Double.POSITIVE_INFINITY;
}
