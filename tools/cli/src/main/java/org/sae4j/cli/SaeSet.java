package org.sae4j.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.SparseAutoencoders;

/**
 * Autoencoders that are opened and closed together.
 *
 * @param autoencoders in the order of opening
 */
record SaeSet(List<SparseAutoencoder> autoencoders) implements AutoCloseable {
    static SaeSet open(List<Path> paths, Engine engine) {
        List<SparseAutoencoder> opened = new ArrayList<>();
        try {
            for (Path path : paths) {
                opened.add(SparseAutoencoders.open(path, engine));
            }
        } catch (RuntimeException e) {
            opened.forEach(SparseAutoencoder::close);
            throw e;
        }
        return new SaeSet(List.copyOf(opened));
    }

    @Override
    public void close() {
        autoencoders.forEach(SparseAutoencoder::close);
    }
}
