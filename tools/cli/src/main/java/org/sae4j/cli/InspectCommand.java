package org.sae4j.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.sae4j.core.format.Inspection;
import org.sae4j.core.format.Inspection.TensorInfo;
import org.sae4j.core.format.Inspector;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows what a file or folder holds. */
@Command(name = "inspect", description = {"Show what a model, autoencoder, tokenizer or file of tensors is.",
        "Of a model it names layers, hook points, context and memory, and tests whether it can be used, which reads its weights once."},
        mixinStandardHelpOptions = true, versionProvider = Version.class)
final class InspectCommand implements Runnable {
    private static final int LONGEST = 200;
    private static final String[] HEADER = {"tensor", "type", "shape", "bytes"};

    @Spec
    private CommandSpec spec;

    @Mixin
    private JsonOption json;

    @Option(names = "--headers", description = "Read headers alone, no weights: don't try whether a model can be used.")
    private boolean headers;

    @Parameters(paramLabel = "PATH", description = "A folder, or a file: safetensors, torch, npz, GGUF, JSON.")
    private Path path;

    InspectCommand() {
    }

    @Override
    public void run() {
        boolean data = json.begin();
        Inspection inspection = Inspector.inspect(Paths.existing(path, "PATH"));
        Optional<ModelSummary> model = headers ? Optional.empty() : ModelSummary.of(path);
        if (data) {
            json.print("inspection", values(inspection, model));
            return;
        }
        PrintWriter out = spec.commandLine().getOut();
        out.println("kind: " + printable(inspection.kind()));
        inspection.summary().forEach(line -> out.println(printable(line)));
        model.ifPresent(m -> {
            out.println();
            m.lines().forEach(line -> out.println(Printable.line(line)));
        });
        if (!inspection.tensors().isEmpty()) {
            out.println();
            table(out, inspection.tensors());
        }
        if (!inspection.metadata().isEmpty()) {
            out.println();
            out.println("metadata");
            for (Map.Entry<String, String> entry : inspection.metadata().entrySet()) {
                out.println("  " + printable(entry.getKey()) + ": " + printable(entry.getValue()));
            }
        }
        out.flush();
    }

    private static Map<String, @Nullable Object> values(Inspection inspection, Optional<ModelSummary> model) {
        Map<String, @Nullable Object> values = new LinkedHashMap<>();
        values.put("kind", inspection.kind());
        values.put("summary", inspection.summary());
        values.put("model", model.map(ModelSummary::values).orElse(null));
        values.put("tensors", inspection.tensors().stream().map(tensor -> {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("name", tensor.name());
            one.put("type", tensor.type().name());
            one.put("shape", tensor.shape());
            one.put("bytes", tensor.bytes());
            return one;
        }).toList());
        values.put("metadata", inspection.metadata());
        return values;
    }

    private static void table(PrintWriter out, List<TensorInfo> tensors) {
        List<String[]> rows = new ArrayList<>();
        rows.add(HEADER);
        for (TensorInfo tensor : tensors) {
            rows.add(new String[] {printable(tensor.name()), tensor.type().name(), tensor.shape().toString(),
                Long.toString(tensor.bytes())});
        }
        int[] widths = IntStream.range(0, HEADER.length).map(c -> rows.stream().mapToInt(row -> row[c].length()).max().orElse(0)).toArray();
        String format = "%-" + widths[0] + "s  %-" + widths[1] + "s  %-" + widths[2] + "s  %" + widths[3] + "s%n";
        rows.forEach(row -> out.printf(format, (Object[]) row));
    }

    /** One line, not too long. */
    private static String printable(String text) {
        String plain = Printable.line(text);
        return plain.length() <= LONGEST ? plain : plain.substring(0, LONGEST) + "...";
    }
}
