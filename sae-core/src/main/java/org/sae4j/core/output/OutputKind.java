package org.sae4j.core.output;

import java.util.ArrayList;
import java.util.List;

/**
 * What a writer of a folder makes, so that its output is known again.
 *
 * @param name what it is, such as "a training"
 * @param entries its files
 */
public record OutputKind(String name, List<Entry> entries) {
    /** What a file is good for. */
    public enum Role {
        /** A run can go on from it. */
        RESUMABLE,
        /** It belongs to a run that is not finished, which would begin anew without it. */
        PARTIAL,
        /** It is what the run was for. */
        RESULT
    }

    /**
     * Files of a folder.
     *
     * @param pattern their path in the folder; each part between slashes may have {@code *} for any characters
     * @param form how they begin
     * @param role what they are good for
     */
    public record Entry(String pattern, FileForm form, Role role) {}

    /** Copies the list. */
    public OutputKind {
        entries = List.copyOf(entries);
    }

    /**
     * Begins a kind.
     *
     * @param name what it is, with its article
     * @return a kind without files
     */
    public static OutputKind of(String name) {
        return new OutputKind(name, List.of());
    }

    /**
     * Adds files.
     *
     * @param role what they are good for
     * @param form how they begin
     * @param patterns their paths, see {@link Entry}
     * @return a kind with these files too
     */
    public OutputKind with(Role role, FileForm form, String... patterns) {
        List<Entry> all = new ArrayList<>(entries);
        for (String pattern : patterns) {
            all.add(new Entry(pattern, form, role));
        }
        return new OutputKind(name, all);
    }

    /**
     * Adds what another kind has, in sub-folders.
     *
     * @param folder the path of the folders, see {@link Entry}
     * @param kind theirs
     * @return a kind with these files too
     */
    public OutputKind within(String folder, OutputKind kind) {
        List<Entry> all = new ArrayList<>(entries);
        kind.entries.forEach(entry -> all.add(new Entry(folder + "/" + entry.pattern, entry.form, entry.role)));
        return new OutputKind(name, all);
    }

    /** {@return whether a run can be gone on with} */
    public boolean isResumable() {
        return entries.stream().anyMatch(entry -> entry.role == Role.RESUMABLE);
    }
}
