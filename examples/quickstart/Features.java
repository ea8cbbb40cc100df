///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 25+
//REPOS mavenlocal,mavencentral
//DEPS org.sae4j:sae-bom:0.1.0-SNAPSHOT@pom
//DEPS org.sae4j:sae-core
//DEPS org.sae4j:sae-engine-cpu
//RUNTIME_OPTIONS --add-modules jdk.incubator.vector

import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.sae4j.api.Progress;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.core.Engines;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.Transformers;

/** Prints the three strongest features of each token of a text. Arguments: a model's folder, an autoencoder's folder, the text. */
public class Features {
    public static void main(String[] args) {
        if (args.length != 3) {
            System.err.println("usage: Features MODEL_FOLDER AUTOENCODER_FOLDER TEXT");
            System.exit(2);
        }
        try (Engine engine = Engines.open("auto", EngineOptions.DEFAULT);
                Transformer model = Transformers.open(Path.of(args[0]), engine);
                SparseAutoencoder sae = SparseAutoencoders.open(Path.of(args[1]), engine)) {
            EncodedCorpus corpus = EncodedCorpus.encode(model, sae, List.of(new Document("", args[2])), Progress.NONE);
            for (int row = 0; row < corpus.features().rows(); row++) {
                System.out.println("token " + row + ": " + strongest(corpus.features(), row));
            }
        }
    }

    private static String strongest(SparseRows features, int row) {
        return IntStream.range(features.start(row), features.start(row + 1)).boxed()
                .sorted(Comparator.comparing(features::value).reversed()).limit(3)
                .map(entry -> "%d (%.2f)".formatted(features.index(entry), features.value(entry))).collect(Collectors.joining(", "));
    }
}
