package org.sae4j.core.internal.format;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Pattern;

/** The kinds of files of autoencoders, each with its publisher: how it is recognised, what it is called, and who reads it. */
public enum SaeFormat {
    /** A checkpoint of a training of sae4j. */
    TRAINING_CHECKPOINT("sparse autoencoder in a checkpoint of a training", (table, source) -> TrainingCheckpoint.matches(table),
            TrainingCheckpoint::read),
    /** Temporal autoencoders, whose features need the sequence. */
    TEMPORAL("temporal sparse autoencoder", (table, source) -> has(table, "D") && has(table, "b"), OtherSaeReaders::temporal),
    /** Gemma Scope's first release, which SAELens calls gemma_2. */
    GEMMA_SCOPE("Gemma Scope sparse autoencoder", (table, source) -> table.kind().equals("npz"), GemmaScopeReader::first),
    /** Gemma Scope 2, which SAELens calls gemma_3. */
    GEMMA_SCOPE_2("Gemma Scope 2 sparse autoencoder", (table, source) -> !torch(table) && has(table, "w_enc") && has(table, "w_dec"),
            GemmaScopeReader::second),
    /** EleutherAI's sparsify. */
    SPARSIFY("EleutherAI sparsify sparse autoencoder", (table, source) -> !torch(table) && has(table, "encoder.weight")
            && has(table, "W_dec"), SparsifyReader::read),
    /** Llama Scope, and its continuation for DeepSeek R1's distillation. */
    LLAMA_SCOPE("Llama Scope sparse autoencoder", (table, source) -> !torch(table) && has(table, "encoder.weight")
            && has(table, "decoder.weight"), OtherSaeReaders::llamaScope),
    /** One layer of a cross-layer transcoder of mntss. */
    MNTSS("cross-layer transcoder of mntss", (table, source) -> !torch(table)
            && table.tensors().keySet().stream().anyMatch(name -> name.matches("W_enc_\\d{1,6}")), TranscoderReaders::mntss),
    /** Transcoders of mwhanna: the encoder transposed, without a cfg.json. */
    MWHANNA("transcoder of mwhanna", (table, source) -> !torch(table) && has(table, "W_enc") && source.json("cfg.json").isEmpty()
            && source.fileName().matches("layer_\\d{1,6}\\.safetensors"), TranscoderReaders::mwhanna),
    /** SAELens' folders. */
    SAELENS("SAELens sparse autoencoder", (table, source) -> !torch(table) && has(table, "W_dec"), SaeLensReader::read),
    /** OpenAI's sparse_autoencoder. */
    OPENAI("OpenAI sparse autoencoder", (table, source) -> has(table, "pre_bias") && has(table, "encoder.weight"), OtherSaeReaders::openAi),
    /** Goodfire's releases. */
    GOODFIRE("Goodfire sparse autoencoder", (table, source) -> has(table, "encoder_linear.weight"), OtherSaeReaders::goodfire),
    /** Qwen Scope, whose matrices are both transposed. */
    QWEN_SCOPE("Qwen Scope sparse autoencoder", (table, source) -> has(table, "W_enc") && !has(table, "threshold")
            && Pattern.matches("layer\\d{1,6}\\.sae\\.pt", source.fileName()), OtherSaeReaders::qwenScope),
    /** Neel Nanda's one-layer autoencoders, and those of attention layers by Kissane and others. */
    NANDA("sparse autoencoder (Neel Nanda's layout)", (table, source) -> has(table, "W_enc") && has(table, "W_dec")
            && (!has(table, "threshold") || source.json(source.baseName() + "_cfg.json").isPresent()), OtherSaeReaders::nanda),
    /** saprmarks' dictionary_learning. */
    DICTIONARY_LEARNING("dictionary_learning sparse autoencoder", (table, source) -> has(table, "W_enc") && has(table, "W_dec")
            || has(table, "encoder.weight"), DictionaryLearningReader::read);

    private interface Test {
        boolean matches(TensorTable table, SaeSource source);
    }

    private interface Reader {
        void read(SaeBuilder sae, SaeSource source);
    }

    private final String title;
    private final Test test;
    private final Reader reader;

    SaeFormat(String title, Test test, Reader reader) {
        this.title = title;
        this.test = test;
        this.reader = reader;
    }

    private static boolean has(TensorTable table, String name) {
        return table.find(name) != null;
    }

    private static boolean torch(TensorTable table) {
        return table.kind().equals("torch");
    }

    /** {@return what a file is called} */
    public String title() {
        return title;
    }

    /**
     * The first format that a file is of.
     *
     * @param table its tensors
     * @param weights the file
     * @return the format, or empty if it is of none
     */
    public static Optional<SaeFormat> of(TensorTable table, Path weights) {
        SaeSource source = SaeSource.of(weights);
        return Arrays.stream(values()).filter(format -> format.test.matches(table, source)).findFirst();
    }

    /** Reads an autoencoder into a builder. */
    void read(SaeBuilder sae, SaeSource source) {
        reader.read(sae, source);
    }
}
