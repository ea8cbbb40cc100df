package org.sae4j.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.core.activations.Corpus;
import org.sae4j.core.format.TokenizerFiles;
import org.sae4j.core.generate.ChatTemplate;
import org.sae4j.core.internal.json.JsonWriter;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Shows what a tokenizer makes of texts. */
@Command(name = "tokenize", description = "Turn texts into tokens: one JSON object a line with \"ids\", and \"tokens\" as the vocabulary "
        + "writes them; of a chat with the \"text\" that the model reads.",
        mixinStandardHelpOptions = true, versionProvider = Version.class)
final class TokenizeCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Option(names = "--model", required = true, paramLabel = "PATH", description = "A folder with a tokenizer, its tokenizer.json, or a "
            + "GGUF file.")
    private Path model;

    @ArgGroup(multiplicity = "1")
    private Source source;

    @Option(names = "--field", paramLabel = "NAME", defaultValue = "text",
            description = "The field of --jsonl with the text. Default: ${DEFAULT-VALUE}.")
    private String field;

    @Option(names = "--special", description = "With the tokens that the tokenizer itself adds before and after a text.")
    private boolean special;

    @Mixin
    private ChatOptions chat;

    /** Where texts come from. */
    static final class Source {
        @Option(names = "--text", paramLabel = "TEXT", description = "A text.")
        private String text;

        @Option(names = "--jsonl", paramLabel = "FILE", description = "JSON objects, one a line, each with a text; with --chat, with a list \"messages\" of "
                + "{\"role\": ..., \"content\": ...}, and other variables of the template.")
        private Path jsonl;

        Source() {
        }
    }

    TokenizeCommand() {
    }

    @Override
    public void run() {
        chat.check(spec);
        if (chat.isChat() && special) {
            throw new ParameterException(spec.commandLine(), "a chat has its special tokens already: leave out --special");
        }
        Tokenizer tokenizer = TokenizerFiles.read(Paths.existing(model, "--model"));
        PrintWriter out = spec.commandLine().getOut();
        if (chat.isChat()) {
            chats(tokenizer, out);
        } else if (source.text != null) {
            out.println(line(tokenizer, source.text));
        } else {
            try (Corpus corpus = Corpus.jsonl(List.of(Paths.existing(source.jsonl, "--jsonl")), field)) {
                for (Optional<Corpus.Piece> text = corpus.next(); text.isPresent(); text = corpus.next()) {
                    out.println(line(tokenizer, text.get().text()));
                }
            }
        }
        out.flush();
    }

    /** Chats: the text that the template makes of each is shown too. */
    private void chats(Tokenizer tokenizer, PrintWriter out) {
        ChatTemplate template = chat.template(model);
        if (source.text != null) {
            out.println(line(tokenizer, chat.prompt(template, source.text)));
            return;
        }
        Path file = Paths.existing(source.jsonl, "--jsonl");
        try (BufferedReader lines = Files.newBufferedReader(file)) {
            int number = 0;
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String json = number++ == 0 && line.startsWith("\uFEFF") ? line.substring(1) : line;
                if (!json.isBlank()) {
                    out.println(line(tokenizer, chat.prompt(template, json, file + ", line " + number)));
                }
            }
        } catch (IOException e) {
            throw new Sae4jException("the file cannot be read as UTF-8 (" + e + ")", file.toString(), "check it", e);
        }
    }

    private String line(Tokenizer tokenizer, String text) {
        int[] ids = (special ? tokenizer.encodeWithSpecialTokens(text) : tokenizer.encode(text)).ids();
        Map<String, Object> line = new LinkedHashMap<>();
        if (chat.isChat()) {
            line.put("text", text);
        }
        line.put("ids", ids);
        line.put("tokens", Arrays.stream(ids).mapToObj(tokenizer::entry).toList());
        return JsonWriter.compact(line);
    }
}
