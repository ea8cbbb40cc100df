package org.sae4j.cli;

import org.sae4j.core.output.FileForm;
import org.sae4j.core.output.OutputKind;
import org.sae4j.core.output.OutputKind.Role;
import org.sae4j.core.train.TrainingRun;
import org.sae4j.demoworld.DemoWorld;

/** What the commands write to their folders. */
final class OutputKinds {
    static final String METRICS = TrainingRun.METRICS;
    static final String EVALUATIONS = TrainingRun.EVALUATIONS;
    static final String REPORT = "report.html";
    static final String RESULT = "result.json";

    static final OutputKind TRAINING = TrainingRun.KIND;
    static final OutputKind SWEEP = OutputKind.of("a sweep").within("runs/*", TRAINING).with(Role.RESULT, FileForm.json("a sweep", "sae4j/sweep/"), "sweep.json")
            .with(Role.RESULT, FileForm.REPORT, REPORT);
    static final OutputKind RUN = OutputKind.of("a result").with(Role.RESULT, FileForm.json("a result", "sae4j/result/"), RESULT)
            .with(Role.RESULT, FileForm.FIGURE, "figures/*.json").with(Role.RESULT, FileForm.REPORT, REPORT);
    static final OutputKind PAPER = OutputKind.of("a replication of the paper").with(Role.RESULT, FileForm.REPORT, REPORT)
            .within("results/*", RUN).with(Role.PARTIAL, FileForm.ANY, "model/config.json", "model/model_final.pth", "model/tokenizer.json");
    static final OutputKind FEATURES = OutputKind.of("pages of features").with(Role.RESULT, FileForm.REPORT, FeaturePages.PAGE)
            .with(Role.RESULT, FileForm.json("data of features", "sae4j/features/"), FeaturePages.DATA);
    static final OutputKind DEMO = new OutputKind("a demo", FEATURES.entries()).with(Role.RESULT, FileForm.REPORT, REPORT)
            .within("autoencoders/*", TRAINING).within("results/*", RUN).within("models/" + DemoWorld.GELU_1L, model())
            .within("models/" + DemoWorld.GPT2_4L, model());

    static final String PLAN = "explore.json";
    static final String TRAINING_TEXTS = "texts.tsv";
    static final String HELD_OUT_TEXTS = "held-out.tsv";
    static final String STORE = "store";
    static final String AUTOENCODER = "autoencoder";
    static final String EVALUATION = "evaluation.json";
    static final OutputKind EXPLORATION = new OutputKind("an exploration", FEATURES.entries())
            .with(Role.RESUMABLE, FileForm.json("the plan of an exploration", "sae4j/exploration/"), PLAN)
            .with(Role.PARTIAL, FileForm.ANY, TRAINING_TEXTS, HELD_OUT_TEXTS)
            .with(Role.RESULT, FileForm.json("an evaluation", "sae4j/evaluation/"), EVALUATION)
            .with(Role.RESULT, FileForm.json("features", FeatureBook.SCHEMA), FeatureBook.FOLDER + "/*.json")
            .with(Role.RESULT, FileForm.ANY, FeatureBook.FOLDER + "/*.js", STORE + "/*").within(AUTOENCODER, TRAINING);

    private OutputKinds() {
    }

    private static OutputKind model() {
        return OutputKind.of("a model").with(Role.RESULT, FileForm.SAFETENSORS, "model.safetensors")
                .with(Role.RESULT, FileForm.ANY, "config.json", "tokenizer.json");
    }
}
