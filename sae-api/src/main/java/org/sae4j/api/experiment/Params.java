package org.sae4j.api.experiment;

import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Constructor;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Stream;

/** Finds what {@link Param} says of the components of a record. */
public final class Params {
    private Params() {}

    /**
     * The documentation of a setting. It is looked for on the component, its accessor, its field and its parameter of the canonical
     * constructor, in this order, since other languages than Java have no annotations of record components.
     *
     * @param component a component of a configuration record
     * @return its annotation, or empty if it has none
     */
    public static Optional<Param> of(RecordComponent component) {
        return Stream.of(component, component.getAccessor(), field(component), parameter(component))
                .map(element -> element.getAnnotation(Param.class)).flatMap(Stream::ofNullable).findFirst();
    }

    private static AnnotatedElement field(RecordComponent component) {
        try {
            return component.getDeclaringRecord().getDeclaredField(component.getName());
        } catch (NoSuchFieldException e) {
            throw new IllegalStateException("every component of a record has a field", e);
        }
    }

    private static AnnotatedElement parameter(RecordComponent component) {
        RecordComponent[] all = component.getDeclaringRecord().getRecordComponents();
        try {
            Constructor<?> canonical = component.getDeclaringRecord()
                    .getDeclaredConstructor(Arrays.stream(all).map(RecordComponent::getType).toArray(Class[]::new));
            return canonical.getParameters()[Arrays.stream(all).map(RecordComponent::getName).toList()
                    .indexOf(component.getName())];
        } catch (NoSuchMethodException e) {
            throw new IllegalStateException("every record has a canonical constructor", e);
        }
    }
}
