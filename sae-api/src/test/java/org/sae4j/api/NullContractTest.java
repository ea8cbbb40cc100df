package org.sae4j.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.mockito.Mockito.CALLS_REAL_METHODS;
import static org.mockito.Mockito.mock;

import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.sae4j.api.engine.Op;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.model.HookPoint;

/**
 * Unless a parameter is {@link Nullable}, null is refused with a {@link NullPointerException} that names it: every public constructor and
 * every public method with code is called with null for each such parameter in turn. Other arguments are any values, since null is refused
 * before they are looked at; names come from {@link java.util.Objects#requireNonNull(Object, String)} or from the JVM's message.
 */
class NullContractTest {
    /** Values where not any will do, or none can be made without knowing more. */
    private static final Map<Class<?>, Object> VALUES = Map.ofEntries(Map.entry(String.class, "a"), Map.entry(CharSequence.class, "a"),
            Map.entry(Object.class, "a"), Map.entry(List.class, List.of()), Map.entry(Set.class, Set.of()), Map.entry(Map.class, Map.of()),
            Map.entry(Optional.class, Optional.empty()), Map.entry(Record.class, new Document("", "a")),
            Map.entry(Tensor.class, Tensor.zeros(0, 0)), Map.entry(HookPoint.class, HookPoint.residPost(0)),
            Map.entry(HookPoint.Site.class, HookPoint.Site.RESID_POST), Map.entry(Op.Heads.class, Op.Heads.of(1, 1)));

    @Test
    void nullIsRefusedByNameWhereItIsNotSaidToBeAllowed() throws Exception {
        List<String> violations = new ArrayList<>();
        int calls = 0;
        for (Class<?> type : publicTypes()) {
            for (Executable executable : executables(type)) {
                for (int i = 0; i < executable.getParameterCount(); i++) {
                    if (!executable.getParameterTypes()[i].isPrimitive() && !isNullable(executable, i)) {
                        calls++;
                        violation(type, executable, i).ifPresent(violations::add);
                    }
                }
            }
        }
        assertThat(violations).as("%d calls with null", calls).isEmpty();
        assertThat(calls).isGreaterThan(400);
    }

    /** Exceptions are left out: what one of them does not know must not hide the failure that it tells of. */
    private static List<Class<?>> publicTypes() throws Exception {
        Path root = Path.of(Tensor.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        List<Class<?>> types = new ArrayList<>();
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : files.filter(f -> f.toString().endsWith(".class")).filter(f -> !f.toString().endsWith("-info.class")).sorted()
                    .toList()) {
                String name = root.relativize(file).toString().replace(file.getFileSystem().getSeparator(), ".");
                Class<?> type = Class.forName(name.substring(0, name.length() - ".class".length()));
                if (isPublic(type) && !Throwable.class.isAssignableFrom(type)) {
                    types.add(type);
                }
            }
        }
        return types;
    }

    private static boolean isPublic(Class<?> type) {
        return Modifier.isPublic(type.getModifiers()) && (type.getEnclosingClass() == null || isPublic(type.getEnclosingClass()));
    }

    /** What {@code equals} takes is null for every object, and an enum's {@code valueOf} is the compiler's. */
    private static List<Executable> executables(Class<?> type) {
        Stream<Executable> methods = Arrays.stream(type.getDeclaredMethods()).filter(method -> !method.isSynthetic()
                && !Modifier.isAbstract(method.getModifiers()) && !method.getName().equals("equals")
                && !(type.isEnum() && method.getName().equals("valueOf"))).map(method -> method);
        return Stream.concat(Arrays.stream(type.getConstructors()), methods)
                .filter(executable -> Modifier.isPublic(executable.getModifiers()))
                .sorted(Comparator.comparing(Executable::toGenericString)).toList();
    }

    private static boolean isNullable(Executable executable, int index) {
        if (isAnnotated(executable.getParameters()[index]) || isAnnotated(executable.getAnnotatedParameterTypes()[index])) {
            return true;
        }
        RecordComponent[] components = executable instanceof Constructor<?> ? executable.getDeclaringClass().getRecordComponents() : null;
        return components != null && Arrays.equals(executable.getParameterTypes(), types(components))
                && isAnnotated(components[index].getAnnotatedType());
    }

    private static boolean isAnnotated(AnnotatedElement element) {
        return element.isAnnotationPresent(Nullable.class);
    }

    private static Class<?>[] types(RecordComponent[] components) {
        return Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
    }

    private static Optional<String> violation(Class<?> type, Executable executable, int index) throws Exception {
        Parameter parameter = executable.getParameters()[index];
        assertThat(parameter.isNamePresent()).as("names of parameters in %s", type).isTrue();
        Object[] arguments = values(executable.getParameterTypes());
        arguments[index] = null;
        String found;
        try {
            if (executable instanceof Constructor<?> constructor) {
                constructor.newInstance(arguments);
            } else {
                Method method = (Method) executable;
                method.invoke(Modifier.isStatic(method.getModifiers()) ? null : value(type), arguments);
            }
            found = "accepted";
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof NullPointerException npe && names(parameter, npe.getMessage())) {
                return Optional.empty();
            }
            found = e.getCause().toString();
        }
        return Optional.of(executable.toGenericString() + ", null for " + parameter.getName() + ": " + found);
    }

    private static boolean names(Parameter parameter, @Nullable String message) {
        return message != null && (message.equals(parameter.getName())
                || message.endsWith("because \"" + parameter.getName() + "\" is null"));
    }

    private static Object[] values(Class<?>[] types) throws Exception {
        Object[] values = new Object[types.length];
        for (int i = 0; i < types.length; i++) {
            values[i] = value(types[i]);
        }
        return values;
    }

    private static Object value(Class<?> type) throws Exception {
        if (VALUES.containsKey(type)) {
            return VALUES.get(type);
        }
        if (type.isPrimitive()) {
            return Array.get(Array.newInstance(type, 1), 0);
        }
        if (type.isArray()) {
            return Array.newInstance(type.getComponentType(), 0);
        }
        if (type.isEnum()) {
            return type.getEnumConstants()[0];
        }
        if (type.isSealed()) {
            return value(type.getPermittedSubclasses()[0]);
        }
        if (type.isRecord()) {
            Class<?>[] components = types(type.getRecordComponents());
            return type.getConstructor(components).newInstance(values(components));
        }
        return mock(type, CALLS_REAL_METHODS);
    }
}
