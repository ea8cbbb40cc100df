package org.sae4j.core.internal.format;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sae4j.core.format.FormatException;

/** Models that lie in several GGUF files, {@code NAME-00001-of-00003.gguf} and so on. The first has the metadata. */
final class GgufParts {
    private static final String COUNT = "split.count";
    private static final String NUMBER = "split.no";
    private static final String TENSORS = "split.tensors.count";
    private static final Pattern NAME = Pattern.compile("(.*)-([0-9]{5})-of-([0-9]{5})\\.gguf", Pattern.DOTALL);
    private static final String REMEDY = "download all parts of the model again into one folder";

    private GgufParts() {}

    /** {@return the tensors of all parts with the metadata of the first; the table itself if the model is in one file} */
    static TensorTable join(TensorTable opened, Arena arena) {
        GgufMetadata metadata = GgufMetadata.of(opened);
        int count = metadata.integer(COUNT).orElse(1);
        if (count <= 1) {
            return opened;
        }
        Matcher name = NAME.matcher(opened.path().getFileName().toString());
        if (!name.matches() || Integer.parseInt(name.group(3)) != count) {
            throw new FormatException("the file is a part of a model in " + count + " files, whose names end with -00001-of-"
                    + String.format(Locale.ROOT, "%05d", count) + ".gguf and so on", opened.path().toString(),
                    "give the parts the names that they were published with");
        }
        Map<String, StoredTensor> tensors = new LinkedHashMap<>();
        TensorTable first = part(opened, name.group(1), 0, count, arena);
        for (int number = 0; number < count; number++) {
            TensorTable part = number == 0 ? first : part(opened, name.group(1), number, count, arena);
            part.tensors().forEach((key, tensor) -> {
                if (tensors.putIfAbsent(key, tensor) != null) {
                    throw new FormatException("the tensor is in two parts", tensor.where(), REMEDY);
                }
            });
        }
        OptionalInt expected = GgufMetadata.of(first).integer(TENSORS);
        if (expected.isPresent() && expected.getAsInt() != tensors.size()) {
            throw new FormatException("expected " + expected.getAsInt() + " tensors in all parts, found " + tensors.size(),
                    GgufMetadata.of(first).at(TENSORS), REMEDY);
        }
        return new TensorTable(first.path(), "gguf", tensors, first.extras());
    }

    private static TensorTable part(TensorTable opened, String name, int number, int count, Arena arena) {
        Path path = opened.path().resolveSibling(String.format(Locale.ROOT, "%s-%05d-of-%05d.gguf", name, number + 1, count));
        if (!Files.isRegularFile(path)) {
            throw new FormatException("part " + (number + 1) + " of " + count + " is missing", path.toString(), REMEDY);
        }
        TensorTable part = path.equals(opened.path()) ? opened : parse(path, arena);
        GgufMetadata metadata = GgufMetadata.of(part);
        if (metadata.integer(COUNT).orElse(1) != count) {
            throw new FormatException("expected " + count + " parts, found " + metadata.integer(COUNT).orElse(1), metadata.at(COUNT),
                    REMEDY);
        }
        if (metadata.integer(NUMBER).orElse(-1) != number) {
            throw new FormatException("expected part " + number + " (from 0), found " + metadata.integer(NUMBER).orElse(-1),
                    metadata.at(NUMBER), REMEDY);
        }
        return part;
    }

    private static TensorTable parse(Path path, Arena arena) {
        MemorySegment file = MappedFile.map(path, arena);
        if (!GgufFile.matches(file)) {
            throw new FormatException("the part is not a GGUF file", path.toString(), REMEDY);
        }
        return GgufFile.parse(path, file);
    }
}
