package org.sae4j.testkit;

import java.lang.reflect.Array;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedCollection;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.experiment.Metric;
import org.sae4j.api.experiment.Param;
import org.sae4j.api.experiment.Params;

/** What can be seen of an experiment's description, settings and results. */
final class ExperimentChecks {
    private static final Set<Class<?>> SETTINGS = Set.of(boolean.class, Boolean.class, int.class, Integer.class, long.class, Long.class,
            double.class, Double.class, String.class);

    private ExperimentChecks() {}

    static void description(Experiment<?, ?> experiment) {
        require(experiment.id().matches("[a-z0-9-]+"), "the id has lower-case letters, digits and hyphens, found '" + experiment.id() + "'");
        require(!experiment.title().isBlank(), "the title says something");
        require(!experiment.description().isBlank(), "the description says something");
        require(experiment.apiVersion() >= 1 && experiment.apiVersion() <= Experiment.API_VERSION, "the version is from 1 to "
                + Experiment.API_VERSION + ", found " + experiment.apiVersion());
    }

    static void settings(Record config) {
        for (RecordComponent component : config.getClass().getRecordComponents()) {
            String where = config.getClass().getSimpleName() + "." + component.getName();
            Optional<Param> param = Params.of(component);
            require(param.isPresent() && !param.get().value().isBlank(), "setting " + where + " says with @Param what it means");
            requireType(component.getGenericType(), where);
            requireRange(param.orElseThrow(), component(config, component), where);
        }
    }

    private static void requireType(Type type, String where) {
        if (type instanceof ParameterizedType p && (p.getRawType() == List.class || p.getRawType() == Optional.class)) {
            requireType(p.getActualTypeArguments()[0], where);
        } else if (type instanceof Class<?> c && c.isArray()) {
            requireType(c.getComponentType(), where);
        } else if (type instanceof Class<?> c && c.isRecord()) {
            for (RecordComponent component : c.getRecordComponents()) {
                require(Params.of(component).isPresent(), "setting " + where + "." + component.getName()
                        + " says with @Param what it means");
                requireType(component.getGenericType(), where + "." + component.getName());
            }
        } else {
            require(type instanceof Class<?> c && (SETTINGS.contains(c) || c.isEnum()), "setting " + where
                    + " is a number, boolean, string, enum, record, or a list or array of these, found " + type.getTypeName());
        }
    }

    private static void requireRange(Param param, @Nullable Object value, String where) {
        switch (value) {
            case Number n -> require(n.doubleValue() >= param.min() && n.doubleValue() <= param.max(), "the default of " + where + " is from "
                    + param.min() + " to " + param.max() + ", found " + n);
            case List<?> list -> list.forEach(item -> requireRange(param, item, where));
            case Record record -> settings(record);
            case null -> throw new AssertionError("setting " + where + " has a value, found null");
            default -> { }
        }
    }

    /** A record that is made from the components of another one equals it, so a file with all settings gives the same configuration. */
    static void rebuilt(Record config) {
        RecordComponent[] components = config.getClass().getRecordComponents();
        Object[] values = Arrays.stream(components).map(c -> component(config, c)).toArray();
        try {
            var constructor = config.getClass().getDeclaredConstructor(
                    Arrays.stream(components).map(RecordComponent::getType).toArray(Class[]::new));
            constructor.trySetAccessible();
            equal("a configuration made from the components of another one", config, constructor.newInstance(values));
        } catch (ReflectiveOperationException e) {
            throw new AssertionError("the configuration cannot be made from its components: " + e, e);
        }
    }

    static void result(ExperimentResult<?> result) {
        requireWritable(result.data(), "data");
        require(!result.findings().isEmpty(), "there is at least one finding");
        result.findings().forEach(f -> require(!f.isBlank(), "a finding says something"));
        result.notes().forEach(n -> require(!n.isBlank(), "a note says something"));
        Set<String> names = new HashSet<>();
        for (Metric metric : result.metrics()) {
            require(!metric.name().isBlank() && names.add(metric.name()), "metrics have names of their own, found '" + metric.name() + "'");
            require(metric.n() >= 0, "metric '" + metric.name() + "' has no negative number of observations");
            metric.interval().ifPresent(i -> require(!(i.low() > i.high()) && i.level() > 0 && i.level() < 1 && !i.method().isBlank(),
                    "the interval of metric '" + metric.name() + "' has ends in order, a level and a method, found " + i));
        }
        result.figures().forEach(FigureChecks::check);
    }

    /** Only values that have a form in a result file. */
    private static void requireWritable(@Nullable Object value, String where) {
        switch (value) {
            case null -> { }
            case CharSequence _, Number _, Boolean _, Character _, Enum<?> _ -> { }
            case Optional<?> o -> requireWritable(o.orElse(null), where);
            case Record r -> {
                for (RecordComponent component : r.getClass().getRecordComponents()) {
                    requireWritable(component(r, component), where + "." + component.getName());
                }
            }
            case Map<?, ?> m -> m.forEach((key, item) -> {
                require(key instanceof CharSequence || key instanceof Enum<?> || key instanceof Number || key instanceof Boolean,
                        where + " has strings, enums, numbers or booleans as keys, found " + key);
                requireWritable(item, where + "." + key);
            });
            case SequencedCollection<?> c -> c.forEach(item -> requireWritable(item, where + "[]"));
            default -> {
                require(value.getClass().isArray(), where + " is made of records, lists, maps, arrays, strings, enums, numbers and booleans, "
                        + "found a " + value.getClass().getName());
                for (int i = 0; i < Array.getLength(value) && !value.getClass().getComponentType().isPrimitive(); i++) {
                    requireWritable(Array.get(value, i), where + "[" + i + "]");
                }
            }
        }
    }

    /** Equal in every part, arrays by their elements and numbers by their bits. */
    static void equal(String what, @Nullable Object expected, @Nullable Object found) {
        if (expected instanceof Record e && found instanceof Record f && e.getClass() == f.getClass()) {
            for (RecordComponent component : e.getClass().getRecordComponents()) {
                equal(what + ", " + component.getName(), component(e, component), component(f, component));
            }
        } else if (expected instanceof SequencedCollection<?> e && found instanceof SequencedCollection<?> f && e.size() == f.size()) {
            Iterator<?> others = f.iterator();
            int i = 0;
            for (Object item : e) {
                equal(what + "[" + i++ + "]", item, others.next());
            }
        } else if (expected instanceof Map<?, ?> e && found instanceof Map<?, ?> f && e.keySet().equals(f.keySet())) {
            e.forEach((key, item) -> equal(what + "[" + key + "]", item, f.get(key)));
        } else if (expected instanceof Optional<?> e && found instanceof Optional<?> f) {
            equal(what, e.orElse(null), f.orElse(null));
        } else if (expected instanceof Object[] e && found instanceof Object[] f && e.length == f.length) {
            for (int i = 0; i < e.length; i++) {
                equal(what + "[" + i + "]", e[i], f[i]);
            }
        } else {
            require(Objects.deepEquals(expected, found), what + ": expected " + text(expected) + ", found " + text(found));
        }
    }

    private static String text(@Nullable Object value) {
        return Arrays.deepToString(new @Nullable Object[] {value});
    }

    private static @Nullable Object component(Record of, RecordComponent component) {
        try {
            component.getAccessor().trySetAccessible();
            return component.getAccessor().invoke(of);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError("component " + component.getName() + " of " + of.getClass().getName() + " cannot be read, " + e
                    + ": make the record public and export its package, or open the package", e);
        }
    }

    static void require(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
