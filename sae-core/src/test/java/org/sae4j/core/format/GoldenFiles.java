package org.sae4j.core.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.sae4j.api.Tensor;

/** The files that {@code src/test/python} wrote: each case is a folder beside a safetensors file of what is expected of it. */
final class GoldenFiles {
    private GoldenFiles() {}

    static Path folder(String name) {
        try {
            return Path.of(GoldenFiles.class.getResource(name).toURI());
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    /** {@return the folders of all cases, at any depth} */
    static List<Path> cases(String name) throws IOException {
        try (Stream<Path> files = Files.walk(folder(name), 5)) {
            return files.filter(Files::isDirectory).filter(folder -> Files.isRegularFile(expected(folder))).sorted().toList();
        }
    }

    /** Demands the same shape and values up to an absolute tolerance. */
    static void assertClose(String name, Tensor actual, Tensor expected, double tolerance) {
        assertThat(actual.shape()).as(name).isEqualTo(expected.shape());
        for (long i = 0; i < expected.size(); i++) {
            assertThat(actual.get(i)).as("%s at %d", name, i).isCloseTo(expected.get(i), within((float) tolerance));
        }
    }

    static Path expected(Path folder) {
        return folder.resolveSibling(folder.getFileName() + ".safetensors");
    }

    /** Token ids, stored as float32. */
    static int[][] ids(Tensor tokens) {
        int[][] ids = new int[tokens.dim(0)][tokens.dim(1)];
        for (int row = 0; row < ids.length; row++) {
            for (int pos = 0; pos < ids[row].length; pos++) {
                ids[row][pos] = (int) tokens.at(row, pos);
            }
        }
        return ids;
    }
}
