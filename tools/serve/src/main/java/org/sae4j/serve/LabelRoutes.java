package org.sae4j.serve;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.model.Transformer;
import org.sae4j.core.features.FeatureLabels;
import org.sae4j.core.features.FeatureLabels.Label;

/** The names that people give to features. */
final class LabelRoutes {
    private final Transformer model;
    private final Studies studies;

    LabelRoutes(Transformer model, Studies studies) {
        this.model = model;
        this.studies = studies;
    }

    Map<String, @Nullable Object> all(Study study) {
        List<Map<String, @Nullable Object>> all = new ArrayList<>();
        studies.named(study).forEach((feature, label) -> all.add(Json.object("feature", feature, "name", label.text(), "note",
                label.note(), "rating", label.rating(), "density", study.index().filter(i -> feature < study.sae.config().dSae())
                        .map(i -> i.density(feature)))));
        return Json.object("sae", study.number, "file", studies.labels().file().toString(), "fingerprint", study.sae.fingerprint(), "labels", all);
    }

    Map<String, @Nullable Object> put(Request.Sent sent) {
        Study study = studies.study(sent);
        int feature = study.checked(sent.number("feature", -1, Integer.MIN_VALUE, Integer.MAX_VALUE));
        int rating = sent.number("rating", 0, 0, FeatureLabels.MAX_RATING);
        Label label;
        try {
            label = new Label(sent.text("name", "", Gate.MOST_BYTES), sent.text("note", "", Gate.MOST_BYTES),
                    rating == 0 ? OptionalInt.empty() : OptionalInt.of(rating));
        } catch (IllegalArgumentException e) {
            throw ApiException.bad(String.valueOf(e.getMessage()));
        }
        studies.labels().put(study.sae.fingerprint(), Map.of(feature, label));
        return Json.object("feature", feature, "name", label.text(), "note", label.note(), "rating", label.rating());
    }

    Api.Reply exported(Request request) throws IOException {
        Study study = studies.study(request);
        Path file = Files.createTempFile("sae-explanations", ".jsonl");
        try {
            studies.labels().all().writeNeuronpedia(file, study.sae.fingerprint(), request.text("model", model.config().name()),
                    request.text("layer", study.name));
            return new Api.Reply("application/jsonl; charset=utf-8", Files.readAllBytes(file), Optional.of("explanations.jsonl"));
        } finally {
            Files.deleteIfExists(file);
        }
    }

    /** What is named here already stays, unless it shall be replaced. */
    Map<String, @Nullable Object> imported(Request request) {
        Study study = studies.study(request);
        try {
            Path file = Files.createTempFile("sae-explanations", ".jsonl");
            try {
                Files.writeString(file, request.body());
                Map<Integer, Label> read = new LinkedHashMap<>(FeatureLabels.readNeuronpedia(file, study.sae.config().dSae()));
                int all = read.size();
                if (!request.text("replace", "false").equals("true")) {
                    read.keySet().removeAll(studies.named(study).keySet());
                }
                studies.labels().put(study.sae.fingerprint(), read);
                return Json.object("read", all, "taken", read.size(), "kept", all - read.size());
            } finally {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
