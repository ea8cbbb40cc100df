package org.sae4j.cli;

import org.sae4j.core.format.SaeFiles;
import org.sae4j.core.output.FileForm;
import org.sae4j.core.output.OutputKind;
import org.sae4j.core.output.OutputKind.Role;
import org.sae4j.core.train.Trainer;
import org.sae4j.demoworld.DemoWorld;

/** What the commands write to their folders. */
final class OutputKinds {
    static final String METRICS = "metrics.jsonl";
    static final String EVALUATIONS = "evaluation.jsonl";
    static final String CHECKPOINTS = "checkpoints";
    static final String REPORT = "report.html";
    static final String RESULT = "result.json";

    private static final OutputKind AUTOENCODER = SaeFiles.KIND
            .with(Role.RESULT, FileForm.CARD, "README.md").with(Role.PARTIAL, FileForm.METRICS, METRICS, EVALUATIONS);
    static final OutputKind TRAINING = new OutputKind("a training", AUTOENCODER.entries()).within(CHECKPOINTS, Trainer.CHECKPOINTS);
    static final OutputKind SWEEP = OutputKind.of("a sweep").within("runs/*", TRAINING).with(Role.RESULT, FileForm.json("a sweep", "sae4j/sweep/"), "sweep.json")
            .with(Role.RESULT, FileForm.REPORT, REPORT);
    static final OutputKind RUN = OutputKind.of("a result").with(Role.RESULT, FileForm.json("a result", "sae4j/result/"), RESULT)
            .with(Role.RESULT, FileForm.FIGURE, "figures/*.json").with(Role.RESULT, FileForm.REPORT, REPORT);
    static final OutputKind FEATURES = OutputKind.of("pages of features").with(Role.RESULT, FileForm.REPORT, FeaturePages.PAGE)
            .with(Role.RESULT, FileForm.json("data of features", "sae4j/features/"), FeaturePages.DATA);
    static final OutputKind DEMO = new OutputKind("a demo", FEATURES.entries()).with(Role.RESULT, FileForm.REPORT, REPORT)
            .within("autoencoders/*", AUTOENCODER).within("results/*", RUN).within("models/" + DemoWorld.GELU_1L, model())
            .within("models/" + DemoWorld.GPT2_4L, model());

    private OutputKinds() {
    }

    private static OutputKind model() {
        return OutputKind.of("a model").with(Role.RESULT, FileForm.SAFETENSORS, "model.safetensors")
                .with(Role.RESULT, FileForm.ANY, "config.json", "tokenizer.json");
    }
}
