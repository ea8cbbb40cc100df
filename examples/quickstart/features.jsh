// The three strongest features of each token of a text, in JShell.
// README.md says how to start it. System properties: model, sae.
import org.sae4j.api.engine.*;
import org.sae4j.api.model.*;
import org.sae4j.api.sae.*;
import org.sae4j.core.*;

Engine engine = Engines.open("auto", EngineOptions.DEFAULT);
Transformer model = Transformers.open(Path.of(System.getProperty("model", "sae-demo/models/gelu-1l-demo")), engine);
SparseAutoencoder sae = SparseAutoencoders.open(Path.of(System.getProperty("sae", "sae-demo/autoencoders/topk-2048")), engine);

EncodedText text = sae.encode(model, "The cat slept.");

String strongest(SparseRows rows, int row) {
    return IntStream.range(rows.start(row), rows.start(row + 1)).boxed()
            .sorted(Comparator.comparing(rows::value).reversed()).limit(3)
            .map(entry -> "%d (%.2f)".formatted(rows.index(entry), rows.value(entry))).collect(Collectors.joining(", "));
}

for (int row = 0; row < text.size(); row++) {
    String token = text.text().substring(text.start(row), text.end(row));
    System.out.println(("\"" + token + "\": " + strongest(text.features(), row)));
}

sae.close();
model.close();
engine.close();
/exit
