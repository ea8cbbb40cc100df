package org.sae4j.testkit;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.experiment.ExperimentResult;

/**
 * What every experiment must do, whatever it measures: describe its settings, give a sound result that depends on the seed alone, stop where
 * it is cancelled, and close what it opened and nothing else.
 *
 * <p>A test of an experiment, with JUnit:
 *
 * <pre>{@code
 * @TestFactory
 * Stream<DynamicTest> conforms() {
 *     return ExperimentConformance.cases(experiment, config, context).map(c -> DynamicTest.dynamicTest(c.name(), c::check));
 * }
 * }</pre>
 */
public final class ExperimentConformance {
    /** As many points of a run are cancelled at; of a run with more, drawn ones beside the first and the last. */
    private static final int CANCELLED_RUNS = 40;

    private ExperimentConformance() {}

    /**
     * One thing that an experiment must do.
     *
     * @param name says what, unique
     * @param body the check
     */
    public record Case(String name, Runnable body) {
        /**
         * Checks the experiment.
         *
         * @throws AssertionError if it does otherwise; the message says what was expected and found
         * @throws RuntimeException whatever else the experiment throws
         */
        public void check() {
            body.run();
        }

        @Override
        public String toString() {
            return name;
        }
    }

    /**
     * The cases of an experiment. They run it some dozens of times, so configuration and data should be small.
     *
     * @param <C> the configuration's type
     * @param <R> the type of the result's data
     * @param experiment the experiment
     * @param config a configuration that fits the context
     * @param context model, autoencoders, corpus, facts, engine and seed of all runs; it stays open. Its progress is not used
     * @return the cases in a fixed order; each can run by itself
     */
    public static <C extends Record, R extends Record> Stream<Case> cases(Experiment<C, R> experiment, C config, ExperimentContext context) {
        return Stream.of(
                new Case("It has an id, a title, a description and a version", () -> ExperimentChecks.description(experiment)),
                new Case("Every setting is documented, of a known type, and within its range by default",
                        () -> ExperimentChecks.settings(experiment.defaults())),
                new Case("The configuration equals one that is made from its components", () -> {
                    ExperimentChecks.rebuilt(experiment.defaults());
                    ExperimentChecks.rebuilt(config);
                }),
                new Case("The result can be written, its figures and metrics are sound",
                        () -> ExperimentChecks.result(run(experiment, config, new WatchedContext(context, Long.MAX_VALUE)))),
                new Case("Equal seeds give equal results", () -> determinism(experiment, config, context)),
                new Case("It stops wherever it is cancelled, and nothing is left behind", () -> cancellation(experiment, config, context)),
                new Case("Without data and autoencoders it works or says what is missing", () -> withoutData(experiment, config, context)));
    }

    private static <C extends Record, R extends Record> ExperimentResult<R> run(Experiment<C, R> experiment, C config,
            WatchedContext context) {
        ExperimentResult<R> result = experiment.run(config, context);
        context.requireNothingLeft("a run");
        return result;
    }

    private static <C extends Record, R extends Record> void determinism(Experiment<C, R> experiment, C config,
            ExperimentContext context) {
        ExperimentResult<R> first = run(experiment, config, new WatchedContext(context, Long.MAX_VALUE));
        ExperimentResult<R> second = run(experiment, config, new WatchedContext(context, Long.MAX_VALUE));
        ExperimentChecks.equal("the second of two equal runs", first, second);
    }

    private static <C extends Record, R extends Record> void cancellation(Experiment<C, R> experiment, C config,
            ExperimentContext context) {
        WatchedContext whole = new WatchedContext(context, Long.MAX_VALUE);
        ExperimentResult<R> expected = run(experiment, config, whole);
        if (whole.polls() == 0) {
            throw new AssertionError("the run never asked whether it is cancelled: call progress().checkCancelled() between steps");
        }
        for (long at : points(whole.events())) {
            WatchedContext cancelled = new WatchedContext(context, at);
            @Nullable ExperimentResult<R> finished = null;
            try {
                finished = experiment.run(config, cancelled);
            } catch (CancellationException e) {
                // As it should be.
            }
            String when = "cancelled at event " + at + " of " + whole.events();
            cancelled.requireNothingLeft("a run that was " + when);
            if (finished != null) {
                if (cancelled.pollsAfterCancellation() > 0) {
                    throw new AssertionError("a run that was " + when + " asked whether it is cancelled, and went on to its end");
                }
                ExperimentChecks.equal("a run that ended before it learned that it was " + when, expected, finished);
            }
        }
        ExperimentChecks.equal("a run after cancelled ones", expected, run(experiment, config,
                new WatchedContext(context, Long.MAX_VALUE)));
    }

    private static List<Long> points(long events) {
        if (events <= CANCELLED_RUNS) {
            return IntStream.rangeClosed(1, (int) events).mapToObj(Long::valueOf).toList();
        }
        CounterRandom random = new CounterRandom(events).stream("cancellation");
        List<Long> points = new ArrayList<>(List.of(1L, 2L, events - 1, events));
        while (points.size() < CANCELLED_RUNS) {
            points.add(1 + (long) (random.nextDouble() * events));
        }
        return points.stream().distinct().sorted().toList();
    }

    private static <C extends Record, R extends Record> void withoutData(Experiment<C, R> experiment, C config,
            ExperimentContext context) {
        WatchedContext bare = WatchedContext.bare(context);
        try {
            ExperimentChecks.result(experiment.run(config, bare));
        } catch (Sae4jException e) {
            if (String.valueOf(e.getMessage()).isBlank()) {
                throw new AssertionError("the message says what is missing, found nothing", e);
            }
        }
        bare.requireNothingLeft("a run without data");
    }
}
