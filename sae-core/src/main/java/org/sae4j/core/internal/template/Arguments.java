package org.sae4j.core.internal.template;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Values that a function, filter or test was called with. */
final class Arguments {
    private final List<@Nullable Object> places;
    private final Map<String, @Nullable Object> names;
    private final Set<String> used = new HashSet<>();
    private int taken;

    Arguments(List<@Nullable Object> places, Map<String, @Nullable Object> names) {
        this.places = places;
        this.names = names;
    }

    /** The next argument by place, or the one of this name, or {@code otherwise}. */
    @Nullable Object take(String name, @Nullable Object otherwise) {
        used.add(name);
        int place = taken++;
        return place < places.size() ? places.get(place) : names.containsKey(name) ? names.get(name) : otherwise;
    }

    /** As {@link #take}, of an argument that must be there. */
    @Nullable Object need(String name) {
        if (taken >= places.size() && !names.containsKey(name)) {
            throw new IllegalArgumentException("the argument \"" + name + "\" is missing");
        }
        return take(name, null);
    }

    String text(String name) {
        return Values.string(need(name));
    }

    long whole(String name, long otherwise) {
        return Values.whole(take(name, otherwise));
    }

    boolean flag(String name) {
        return Values.truth(take(name, false));
    }

    /** Calls a function with all of them. */
    @Nullable Object pass(Callable function) {
        return function.call(places, names);
    }

    /** Whether arguments by place are left. */
    boolean more() {
        return taken < places.size();
    }

    /** The arguments that are left. */
    Arguments rest() {
        return new Arguments(places.subList(Math.min(taken, places.size()), places.size()), names);
    }

    /** All arguments have been taken. */
    void end() {
        if (taken < places.size() || !used.containsAll(names.keySet())) {
            throw new IllegalArgumentException("an argument too many, or one of an unknown name: " + names.keySet());
        }
    }
}
