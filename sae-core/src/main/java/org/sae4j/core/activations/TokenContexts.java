package org.sae4j.core.activations;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.ElementType;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.Context;
import org.sae4j.core.format.SafetensorsFile;

/**
 * Files of token ids, whose rows are contexts as they are: text with one row a line, ids separated by spaces or commas; or safetensors
 * (by the ending {@code .safetensors}) with one tensor of whole numbers [rows, length].
 */
public final class TokenContexts implements Contexts {
    /** Up to here a float is any whole number. */
    private static final int LARGEST_ID = 1 << 24;

    private final List<Path> files;
    private final CorpusReader lines;
    private final long bytes;
    private long tensorBytes;
    private final Set<Integer> excluded;
    private int opened;
    private int read;
    private @Nullable SafetensorsFile open;
    private @Nullable Tensor rows;
    private int row;

    /**
     * Prepares; nothing is read yet.
     *
     * @param files the files, all of one kind
     * @param excluded tokens that do not count
     * @throws Sae4jException if a file is missing, or the files are not of one kind
     */
    public TokenContexts(List<Path> files, Set<Integer> excluded) {
        this.files = List.copyOf(files);
        this.excluded = Set.copyOf(excluded);
        long tensors = files.stream().filter(TokenContexts::isTensor).count();
        if (tensors > 0 && tensors < files.size()) {
            throw new Sae4jException("some files of tokens are safetensors and some are not", files.toString(), "give files of one kind");
        }
        CorpusReader all = new CorpusReader(files);
        bytes = all.bytes();
        lines = tensors > 0 ? new CorpusReader(List.of()) : all;
    }

    private static boolean isTensor(Path file) {
        return file.getFileName().toString().endsWith(".safetensors");
    }

    @Override
    public Optional<Context> next() {
        lines.requireOpen();
        String line = lines.nextLine();
        if (line != null) {
            return Optional.of(context(parse(line)));
        }
        while (rows == null || row == rows.dim(0)) {
            closeTensor();
            if (opened == files.size() || !isTensor(files.get(opened))) {
                return Optional.empty();
            }
            openTensor(files.get(opened++));
        }
        float[] values = new float[rows.dim(1)];
        rows.copyTo((long) row * values.length, values, 0, values.length);
        row++;
        tensorBytes = bytes / files.size() * (opened - 1) + bytes / files.size() * row / rows.dim(0);
        int[] context = new int[values.length];
        for (int i = 0; i < context.length; i++) {
            context[i] = (int) values[i];
            if (values[i] < 0 || values[i] >= LARGEST_ID) {
                throw new Sae4jException("token id " + values[i] + " in row " + (row - 1), files.get(opened - 1).toString(),
                        "give ids from 0 to " + (LARGEST_ID - 1));
            }
        }
        return Optional.of(context(context));
    }

    private Context context(int[] tokens) {
        boolean[] counted = new boolean[tokens.length];
        for (int position = 0; position < tokens.length; position++) {
            counted[position] = !excluded.contains(tokens[position]);
        }
        return Context.of(tokens, counted, read++);
    }

    private int[] parse(String line) {
        String[] ids = line.strip().split("[\\s,]+");
        int[] context = new int[ids.length];
        for (int i = 0; i < ids.length; i++) {
            try {
                context[i] = Integer.parseInt(ids[i]);
            } catch (NumberFormatException e) {
                throw new Sae4jException("expected a token id, found '" + ids[i] + "'", lines.file() + " line " + lines.line(),
                        "write one row of ids a line, separated by spaces or commas", e);
            }
        }
        return context;
    }

    private void openTensor(Path file) {
        SafetensorsFile tensors = SafetensorsFile.open(file);
        open = tensors;
        String name = tensors.names().stream().findFirst().orElse("");
        ElementType type = name.isEmpty() ? ElementType.F32 : tensors.type(name);
        boolean whole = switch (type) {
            case I64, I32, I16, I8, U8 -> true;
            default -> false;
        };
        if (tensors.names().size() != 1 || !whole || tensors.shape(name).length != 2 || tensors.shape(name)[1] == 0) {
            throw new Sae4jException("expected one tensor of whole numbers [rows, length], found " + tensors.names(), file.toString(),
                    "store token ids as I32 or I64");
        }
        rows = tensors.tensor(name);
        row = 0;
    }

    @Override
    public Map<String, String> description() {
        return Map.of("kind", "tokens", "excluded_tokens", new TreeSet<>(excluded).stream().map(String::valueOf)
                .collect(Collectors.joining(",")));
    }

    @Override
    public long bytesRead() {
        return tensorBytes + lines.bytesRead();
    }

    @Override
    public long bytes() {
        return bytes;
    }

    @Override
    public void close() {
        lines.close();
        closeTensor();
    }

    private void closeTensor() {
        rows = null;
        if (open != null) {
            open.close();
            open = null;
        }
    }
}
