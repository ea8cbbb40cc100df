package org.sae4j.core.hub;

import java.nio.file.Path;
import java.util.List;

/**
 * Files of a repository at a commit, in the cache.
 *
 * @param reference what was asked for
 * @param commit the commit that its revision meant, 40 hexadecimal digits
 * @param folder the folder of the snapshot
 * @param files the files that were asked for, below the folder, in the order of their names
 */
public record HubSnapshot(HubReference reference, String commit, Path folder, List<Path> files) {
    /** Copies the list. */
    public HubSnapshot {
        files = List.copyOf(files);
    }
}
