package org.sae4j.cli;

import java.nio.file.Path;
import java.util.List;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.Transformer;
import org.sae4j.core.Transformers;
import org.sae4j.core.format.WeightProcessing;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** The option that asks for processed weights, and the opening of a model with it. */
final class ProcessOption {
    private static final String ALL = "all";

    @Spec(Target.MIXEE)
    private CommandSpec spec;

    @Option(names = "--process", split = ",", paramLabel = "STEP",
            description = "Process the weights as TransformerLens does, with all or some of fold_ln, center_writing_weights, "
                    + "center_unembed, fold_value_biases. It is recorded in the model's name. Default: raw weights.")
    private List<String> steps = List.of();

    ProcessOption() {
    }

    Transformer open(Path model, Engine engine) {
        return Transformers.open(model, names(), engine);
    }

    /** For commands that need passes from tokens to logits: refuses a model for which there is too little memory before anything is done. */
    Transformer openWhole(Path model, Engine engine) {
        return whole(open(model, engine));
    }

    /** {@return the model, for which there is memory; it is closed if there is not} */
    static Transformer whole(Transformer model) {
        try {
            Transformers.requireMemory(model, 1, 1);
            return model;
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    /** For tokens as they are: a tokenizer in the folder need not be one that can be read. */
    Transformer openWithoutTokenizer(Path model, Engine engine) {
        return Transformers.openWithoutTokenizer(model, names(), engine);
    }

    private List<String> names() {
        return steps.equals(List.of(ALL)) ? WeightProcessing.steps() : steps;
    }

    boolean isGiven() {
        return !steps.isEmpty();
    }

    /** Refuses unknown names before anything is opened. */
    void check() {
        if (!steps.equals(List.of(ALL)) && !WeightProcessing.steps().containsAll(steps)) {
            throw new ParameterException(spec.commandLine(), "--process has " + steps + ", use " + ALL + " or some of "
                    + WeightProcessing.steps());
        }
    }
}
