package org.sae4j.serve;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.model.Tokenization;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.features.FeatureLabels;

/**
 * A page on this machine that shows what features do: on a text as it is typed, on a corpus one by one and all together, and on what the
 * model writes when they are moved. The page and its API answer at the loopback address alone, and the API only to who knows the token.
 *
 * {@snippet :
 * RequestDeadline.PROPERTIES.forEach(System.getProperties()::putIfAbsent);
 * try (SaeServer server = SaeServer.builder(model).autoencoder("topk-2048", sae).corpus(documents).start()) {
 *     System.out.println(server.address());
 *     server.awaitCorpus();
 * }
 * }
 *
 * <p>Model and autoencoders belong to the caller and must stay open until the server is closed. After {@link #close()} the address
 * answers no more.
 */
public final class SaeServer implements AutoCloseable {
    /** How long answers that have begun may go on when the server is closed. */
    public static final Duration PATIENCE = Duration.ofSeconds(5);

    private static final System.Logger LOG = System.getLogger(SaeServer.class.getName());
    private static final int TOKEN_BYTES = 24;
    private static final int BACKLOG = 128;

    private final HttpServer http;
    private final ExecutorService handlers;
    private final Api api;
    private final String token;
    private final Thread reading;
    private volatile boolean stopping;

    private SaeServer(Builder builder) {
        RequestDeadline.require();
        byte[] random = new byte[TOKEN_BYTES];
        new SecureRandom().nextBytes(random);
        token = HexFormat.of().formatHex(random);
        List<Study> studies = new ArrayList<>();
        for (int i = 0; i < builder.autoencoders.size(); i++) {
            studies.add(new Study(i, builder.names.get(i), builder.model, builder.autoencoders.get(i),
                    builder.tokenization.orElseGet(builder.model::tokenization), builder.seed));
        }
        LabelStore labels = new LabelStore(builder.labels);
        try {
            http = HttpServer.create(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), builder.port), BACKLOG);
        } catch (BindException e) {
            throw new Sae4jException("port " + builder.port + " is taken (" + e.getMessage() + ")", "127.0.0.1:" + builder.port,
                    "choose another port, or 0 for any (--port)", e);
        } catch (IOException e) {
            throw new Sae4jException("the server cannot start (" + e + ")", "127.0.0.1:" + builder.port, "choose another port (--port)", e);
        }
        api = new Api(builder.model, new Studies(studies, labels), builder.watch.map(TrainingWatch::new), builder.ends, () -> stopping);
        handlers = Executors.newVirtualThreadPerTaskExecutor();
        http.setExecutor(handlers);
        http.createContext("/", new Gate(token, http.getAddress().getPort(), api));
        http.start();
        reading = Thread.ofPlatform().name("sae-serve-corpus").daemon().start(() -> read(studies, builder.documents, builder.progress));
    }

    /**
     * Begins to describe a server.
     *
     * @param model the model, with a tokenizer
     * @return a builder
     */
    public static Builder builder(Transformer model) {
        return new Builder(model);
    }

    private void read(List<Study> studies, List<Document> documents, Progress outer) {
        Progress progress = new Progress() {
            @Override
            public void update(String stage, long done, long total) {
                outer.update(stage, done, total);
            }

            @Override
            public boolean isCancelled() {
                return stopping || outer.isCancelled();
            }
        };
        if (documents.isEmpty()) {
            studies.forEach(Study::withoutCorpus);
            return;
        }
        List<Study> read = new ArrayList<>();
        for (Study study : studies) {
            if (work(study, () -> study.read(documents, progress))) {
                read.add(study);
            }
        }
        read.forEach(study -> work(study, () -> study.study(progress)));
    }

    private boolean work(Study study, Runnable work) {
        try {
            work.run();
            return true;
        } catch (CancellationException e) {
            LOG.log(Level.DEBUG, "reading the corpus was stopped", e);
        } catch (Sae4jException e) {
            study.failed(String.valueOf(e.getMessage()));
        } catch (IllegalStateException e) {
            // Model or autoencoder were closed before the server.
            study.failed(String.valueOf(e.getMessage()));
            LOG.log(Level.ERROR, "reading the corpus failed", e);
        } catch (OutOfMemoryError e) {
            study.failed("memory is exhausted, give a smaller corpus or a larger heap");
            LOG.log(Level.ERROR, "reading the corpus failed", e);
        }
        return false;
    }

    /** {@return the address to open, with the token, which no other user of the machine should see} */
    public URI address() {
        return URI.create("http://127.0.0.1:" + port() + "/#token=" + token);
    }

    /** {@return the port} */
    public int port() {
        return http.getAddress().getPort();
    }

    /** {@return the token that requests to the API bring in the header {@code X-Sae-Token}} */
    public String token() {
        return token;
    }

    /**
     * Waits until the corpus is read and all is drawn from it. The page answers before.
     *
     * @throws InterruptedException if interrupted
     * @throws IllegalStateException after close
     */
    public void awaitCorpus() throws InterruptedException {
        if (stopping) {
            throw new IllegalStateException("the server is closed");
        }
        reading.join();
    }

    /**
     * Stops: no new request is taken, those that compute are stopped at their next token, and answers that have begun are finished if they
     * take no longer than {@link #PATIENCE}. Closing twice has no effect.
     */
    @Override
    public void close() {
        if (stopping) {
            return;
        }
        stopping = true;
        http.stop((int) PATIENCE.toSeconds());
        handlers.shutdownNow();
        api.close();
        try {
            reading.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Describes a server. */
    public static final class Builder {
        private final Transformer model;
        private final List<String> names = new ArrayList<>();
        private final List<SparseAutoencoder> autoencoders = new ArrayList<>();
        private List<Document> documents = List.of();
        private Optional<Tokenization> tokenization = Optional.empty();
        private Path labels = Path.of(FeatureLabels.FILE);
        private Optional<Path> watch = Optional.empty();
        private Set<Integer> ends = Set.of();
        private Progress progress = Progress.NONE;
        private int port;
        private long seed;

        private Builder(Transformer model) {
            this.model = model;
        }

        /**
         * Adds an autoencoder; the first is shown first.
         *
         * @param name what the page calls it
         * @param sae the autoencoder, which knows its hook point in the model
         * @return this
         */
        public Builder autoencoder(String name, SparseAutoencoder sae) {
            names.add(name);
            autoencoders.add(sae);
            return this;
        }

        /**
         * Sets the texts from which it is known when features fire. Default: none, and then only typed texts and steering are of use.
         *
         * @param value documents
         * @return this
         */
        public Builder corpus(List<Document> value) {
            documents = List.copyOf(value);
            return this;
        }

        /**
         * Sets how texts become contexts. Default: {@link Transformer#tokenization()}.
         *
         * @param value the tokenization
         * @return this
         */
        public Builder tokenization(Tokenization value) {
            tokenization = Optional.of(value);
            return this;
        }

        /**
         * Sets the file of names, see {@link FeatureLabels}. Default: {@value FeatureLabels#FILE} in the working folder.
         *
         * @param value the file; it is made with the first name
         * @return this
         */
        public Builder labels(Path value) {
            labels = value;
            return this;
        }

        /**
         * Sets a folder that a training writes to, whose curves are drawn as it goes on. Default: none.
         *
         * @param value the folder
         * @return this
         */
        public Builder watch(Path value) {
            watch = Optional.of(value);
            return this;
        }

        /**
         * Sets the tokens that end a continuation. Default: none.
         *
         * @param value token ids
         * @return this
         */
        public Builder ends(Set<Integer> value) {
            ends = Set.copyOf(value);
            return this;
        }

        /**
         * Sets the port. Default: 0, any that is free.
         *
         * @param value from 0 to 65,535
         * @return this
         */
        public Builder port(int value) {
            port = value;
            return this;
        }

        /**
         * Sets the seed of examples that are drawn, intervals of confidence and the map. Default: 0.
         *
         * @param value the seed
         * @return this
         */
        public Builder seed(long value) {
            seed = value;
            return this;
        }

        /**
         * Sets who is told how reading the corpus goes on, by another thread, and asked for cancellation.
         *
         * @param value the progress
         * @return this
         */
        public Builder progress(Progress value) {
            progress = value;
            return this;
        }

        /**
         * Starts the server. It answers at once; the corpus is read in the meantime.
         *
         * @return the server
         * @throws Sae4jException if the port is taken, requests have no deadline ({@link RequestDeadline}), the model has no tokenizer,
         *     there is no autoencoder, one does not fit the model, or the file of names cannot be read
         */
        public SaeServer start() {
            if (autoencoders.isEmpty()) {
                throw new Sae4jException("there is no autoencoder to show", model.config().name(), "add one (--sae PATH)");
            }
            if (model.tokenizer().isEmpty()) {
                throw new Sae4jException("the model has no tokenizer, so texts cannot be read", model.config().name(),
                        "put tokenizer.json into its folder");
            }
            return new SaeServer(this);
        }
    }
}
