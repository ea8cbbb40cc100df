package org.sae4j.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.sae4j.core.train.TrainingMetrics;
import org.sae4j.report.TensorBoardFile;

/** Writes the metrics of every step for TensorBoard, if the user named a folder. A listener of the trainer. */
final class TensorBoardLog implements Consumer<TrainingMetrics>, AutoCloseable {
    private final @Nullable Path folder;
    private @Nullable TensorBoardFile file;

    TensorBoardLog(@Nullable Path folder) {
        this.folder = folder;
    }

    @Override
    public void accept(TrainingMetrics metrics) {
        if (folder == null) {
            return;
        }
        TensorBoardFile open = file;
        if (open == null) {
            open = new TensorBoardFile(folder, metrics.step() - 1);
            file = open;
        }
        Map<String, Number> scalars = new LinkedHashMap<>();
        metrics.values().forEach((name, value) -> {
            if (!name.equals("step")) {
                scalars.put("training/" + name, value);
            }
        });
        open.scalars(metrics.step(), scalars);
    }

    @Override
    public void close() {
        if (file != null) {
            file.close();
        }
    }
}
