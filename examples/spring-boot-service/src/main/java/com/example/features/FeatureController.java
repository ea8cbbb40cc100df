package com.example.features;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.sae4j.api.Progress;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

/** Answers which features a text activates. Model and autoencoder are beans that all requests share. */
@RestController
class FeatureController {
    private static final int TOP = 3;

    private final Transformer model;
    private final SparseAutoencoder sae;

    FeatureController(Transformer model, SparseAutoencoder sae) {
        this.model = model;
        this.sae = sae;
    }

    record Request(String text) {}

    record Feature(int index, float activation) {}

    /** {@return the strongest features of each token} */
    @PostMapping("/features")
    List<List<Feature>> features(@RequestBody Request request) {
        SparseRows rows = EncodedCorpus.encode(model, sae, List.of(new Document("", request.text())), Progress.NONE).features();
        List<List<Feature>> answer = new ArrayList<>();
        for (int row = 0; row < rows.rows(); row++) {
            List<Feature> active = new ArrayList<>();
            for (int entry = rows.start(row); entry < rows.start(row + 1); entry++) {
                active.add(new Feature(rows.index(entry), rows.value(entry)));
            }
            answer.add(active.stream().sorted(Comparator.comparing(Feature::activation).reversed()).limit(TOP).toList());
        }
        return answer;
    }
}
