package org.sae4j.serve;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.model.Transformer;
import org.sae4j.core.Sae4j;

/** What the page asks for; docs/serve-api.md describes it, and it stays as it is there. */
final class Api implements AutoCloseable {
    /** What one page of a table may have. */
    static final int MOST_ROWS = 500;
    private static final int MOST_IMPORT_BYTES = 1 << 25;
    private static final String JSON = "application/json; charset=utf-8";

    /** What a path and a method lead to. */
    sealed interface Route permits Answered, Streamed {
        /** {@return the most bytes that can be sent to it} */
        default int mostBytes() {
            return Gate.MOST_BYTES;
        }
    }

    /** Answers with one document. */
    @FunctionalInterface
    non-sealed interface Answered extends Route {
        Reply answer(Request request) throws Exception;
    }

    /** Answers with events as they come; a wish that is refused is refused before the answer begins. */
    @FunctionalInterface
    non-sealed interface Streamed extends Route {
        Stream prepare(Request request);
    }

    /** Sends its events. */
    @FunctionalInterface
    interface Stream {
        void run(Continuations.Events events) throws IOException;
    }

    /** A document. */
    record Reply(String type, byte[] bytes, Optional<String> fileName) {
        static Reply json(Map<String, @Nullable Object> object) {
            return new Reply(JSON, Json.write(object).getBytes(StandardCharsets.UTF_8), Optional.empty());
        }
    }

    private final Transformer model;
    private final Studies studies;
    private final Optional<TrainingWatch> watch;
    private final Set<Integer> ends;
    private final BooleanSupplier stopping;
    private final Busy quick = new Busy(2, 256);
    private final Busy continuing = new Busy(2, 6);
    private final Map<String, Route> routes = new LinkedHashMap<>();

    Api(Transformer model, Studies studies, Optional<TrainingWatch> watch, Set<Integer> ends, BooleanSupplier stopping) {
        this.model = model;
        this.studies = studies;
        this.watch = watch;
        this.ends = ends;
        this.stopping = stopping;
        TextRoutes texts = new TextRoutes(model, studies);
        FeatureRoutes features = new FeatureRoutes(studies);
        CompareRoutes comparisons = new CompareRoutes(studies);
        LabelRoutes labels = new LabelRoutes(model, studies);
        get("status", request -> Reply.json(status()));
        computing("POST text", request -> Reply.json(texts.text(request.sent())));
        computing("GET feature", request -> Reply.json(features.feature(request)));
        computing("GET feature/removal", request -> Reply.json(features.removal(request)));
        computing("GET feature/neurons", request -> Reply.json(features.neurons(request)));
        computing("GET feature/activations.csv", features::activations);
        computing("GET features", request -> Reply.json(features.features(request)));
        computing("GET features/promoted", request -> Reply.json(features.promoted(request)));
        computing("GET features/map", request -> Reply.json(features.map(request)));
        computing("POST search/texts", request -> Reply.json(texts.byTexts(request.sent())));
        computing("GET search/token", request -> Reply.json(texts.byToken(request)));
        computing("GET compare", request -> Reply.json(comparisons.compare(request)));
        get("evaluations", request -> Reply.json(comparisons.evaluations()));
        get("labels", request -> Reply.json(labels.all(studies.study(request))));
        routes.put("PUT labels", (Answered) request -> Reply.json(labels.put(request.sent())));
        get("labels/neuronpedia", labels::exported);
        routes.put("POST labels/neuronpedia", new Answered() {
            @Override
            public Reply answer(Request request) {
                return Reply.json(labels.imported(request));
            }

            @Override
            public int mostBytes() {
                return MOST_IMPORT_BYTES;
            }
        });
        get("training", request -> Reply.json(watch.map(TrainingWatch::now).orElseThrow(
                () -> new ApiException(404, "no training is watched: start the server with --watch DIR"))));
        routes.put("POST steer", (Streamed) request -> steer(request.sent()));
    }

    private void get(String path, Answered answered) {
        routes.put("GET " + path, answered);
    }

    /** What runs a model or walks over the corpus waits for its turn. */
    private void computing(String route, Answered answered) {
        routes.put(route, (Answered) request -> quick.run(() -> answered.answer(request)));
    }

    Route route(String path, String method) {
        Route route = routes.get(method + " " + path);
        if (route != null) {
            return route;
        }
        List<String> other = routes.keySet().stream().filter(r -> r.endsWith(" " + path)).map(r -> r.substring(0, r.indexOf(' '))).toList();
        throw other.isEmpty() ? new ApiException(404, "the API has no " + path)
                : new ApiException(405, path + " is asked for with " + String.join(" or ", other));
    }

    @Override
    public void close() {
        quick.close();
        continuing.close();
    }

    private Map<String, @Nullable Object> status() {
        return Json.object("sae4j", Sae4j.version(), "model", Json.object("name", model.config().name(), "layers", model.config().nLayers(),
                "d_model", model.config().dModel(), "context", model.config().nCtx(), "vocabulary", model.config().dVocab()),
                "autoencoders", studies.list().stream().map(this::describe).toList(), "labels_file", studies.labels().file().getFileName().toString(),
                "training", watch.isPresent());
    }

    private Map<String, @Nullable Object> describe(Study study) {
        Map<String, @Nullable Object> described = Json.object("sae", study.number, "name", study.name, "fingerprint",
                study.sae.fingerprint(),
                "architecture", study.sae.config().architecture().name(), "hook", study.sae.config().hook().map(Object::toString), "d_in",
                study.sae.config().dIn(), "d_sae", study.sae.config().dSae(), "state", study.state(), "map", study.map().isPresent(),
                "neurons", study.neurons().isPresent());
        study.index().ifPresent(index -> {
            int alive = index.scores().alive().length;
            described.put("corpus", Json.object("documents", index.corpus().documents().size(), "tokens", index.columns().rows(), "labels",
                    index.scores().labels(), "active_features", alive, "direct_path", index.profiler().directPath()));
        });
        return described;
    }

    private Stream steer(Request.Sent sent) {
        Study study = studies.study(sent);
        Continuations continuations = new Continuations(study, ends, stopping);
        Continuations.Wish wish = continuations.wish(sent);
        return events -> {
            try {
                continuing.runLong(() -> {
                    continuations.run(wish, events);
                    return true;
                });
            } catch (IOException | RuntimeException e) {
                throw e;
            } catch (Exception e) {
                Thread.currentThread().interrupt();
            }
        };
    }
}
