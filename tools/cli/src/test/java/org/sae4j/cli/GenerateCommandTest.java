package org.sae4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.core.format.TokenizerFiles;
import org.sae4j.core.generate.Sampling;
import org.sae4j.demoworld.DemoWorld;
import picocli.CommandLine;

/** Text out of a model, from the command line. */
class GenerateCommandTest {
    @TempDir
    private Path folder;
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        CommandLine commandLine = Main.commandLine();
        commandLine.setOut(new PrintWriter(out, true));
        commandLine.setErr(new PrintWriter(err, true));
        return commandLine.execute(args);
    }

    private String model() {
        return DemoWorld.extractModel(DemoWorld.GPT2_4L, folder.resolve("gpt2")).toString();
    }

    @Test
    void theModelRecallsAFactAndPrintsOneObject() {
        String model = model();
        // The model's texts begin with this token, which its tokenizer does not add by itself.
        Tokenizer tokenizer = TokenizerFiles.read(Path.of(model));
        String begin = tokenizer.token(tokenizer.bos().orElseThrow());
        assertThat(run("generate", "--model", model, "--text", begin + "The capital of France is", "--max-new-tokens", "3", "--json"))
                .as(err.toString()).isZero();
        assertThat(out.toString().strip()).matches("\\{\"tokens\": ?\\[\\d+, ?\\d+, ?\\d+], ?\"text\": ?\" Paris.*\"}");
    }

    @Test
    void tokensAreContinuedAsTheyAreAndSeedsRepeat() {
        String model = model();
        String[] args = {"generate", "--model", model, "--tokens", "5,6,7", "--max-new-tokens", "8", "--temperature", "1.5", "--top-k", "40",
            "--seed", "3", "--json"};
        assertThat(run(args)).as(err.toString()).isZero();
        String first = out.toString();
        out.getBuffer().setLength(0);
        assertThat(run(args)).isZero();
        assertThat(out.toString()).isEqualTo(first);
    }

    @Test
    void wrongUsageIsExplained() {
        String model = model();
        assertThat(run("generate", "--model", model, "--text", "a", "--max-new-tokens", "0")).isEqualTo(2);
        assertThat(run("generate", "--model", model, "--text", "a", "--max-new-tokens", "2", "--steer", "1=2")).isEqualTo(2);
        assertThat(run("generate", "--model", model, "--text", "a", "--max-new-tokens", "2", "--top-p", "0")).isEqualTo(2);
        assertThat(run("generate", "--model", model, "--tokens", "99999999", "--max-new-tokens", "2")).isEqualTo(1);
        assertThat(err.toString()).contains("--max-new-tokens must be at least 1", "--sae needs either", "top-p", "token id 99999999");
    }

    @Test
    void aChatIsWrittenByTheModelsTemplate() throws IOException {
        Path model = Path.of(model());
        String[] generate = {"generate", "--model", model.toString(), "--chat", "--text", "Hi", "--max-new-tokens", "2", "--json"};
        assertThat(run(generate)).isEqualTo(1);
        assertThat(err.toString()).contains("the model has no chat template");
        Files.writeString(model.resolve("chat_template.jinja"), "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
                + "{{ 'think\n' if think }}{% if add_generation_prompt %}assistant:{% endif %}");
        Path chats = Files.writeString(folder.resolve("chats.jsonl"), "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}], "
                + "\"add_generation_prompt\": false}\n");
        out.getBuffer().setLength(0);
        assertThat(run("tokenize", "--model", model.toString(), "--chat", "--system", "Be brief.", "--chat-set", "think=true", "--text", "Hi"))
                .as(err.toString()).isZero();
        assertThat(run("tokenize", "--model", model.toString(), "--chat", "--jsonl", chats.toString())).as(err.toString()).isZero();
        assertThat(out.toString()).contains("\"system: Be brief.\\nuser: Hi\\nthink\\nassistant:\"", "\"user: Hi\\n\"");

        Tokenizer tokenizer = TokenizerFiles.read(model);
        String ids = Arrays.stream(tokenizer.encode("user: Hi\nassistant:").ids()).mapToObj(String::valueOf).collect(Collectors.joining(","));
        out.getBuffer().setLength(0);
        assertThat(run(generate)).as(err.toString()).isZero();
        String chat = out.toString();
        out.getBuffer().setLength(0);
        assertThat(run("generate", "--model", model.toString(), "--tokens", ids, "--max-new-tokens", "2", "--json")).isZero();
        assertThat(chat).isEqualTo(out.toString());
        assertThat(run("generate", "--model", model.toString(), "--system", "x", "--text", "a", "--max-new-tokens", "2")).isEqualTo(2);
    }

    @Test
    void textEndsBeforeAStopTextAndThePenaltyOfTheModelCounts() throws IOException {
        Path model = Path.of(model());
        String begin = "<|endoftext|>The capital of France is";
        String[] args = {"generate", "--model", model.toString(), "--text", begin, "--max-new-tokens", "9", "--json", "--stop", "aris"};
        assertThat(run(args)).as(err.toString()).isZero();
        assertThat(out.toString().strip()).matches("\\{\"tokens\": ?\\[\\d+(, ?\\d+)*], ?\"text\": ?\" P\"}");

        String[] repeating = {"generate", "--model", model.toString(), "--tokens", "5,5,5,5", "--max-new-tokens", "9", "--json"};
        out.getBuffer().setLength(0);
        assertThat(run(repeating)).isZero();
        String plain = out.toString();
        Path settings = Files.writeString(model.resolve("generation_config.json"), "{\"repetition_penalty\": 1.3}");
        assertThat(Sampling.likeliest(model).repetitionPenalty()).isEqualTo(1.3);
        Files.writeString(settings, "{\"repetition_penalty\": -2}");
        assertThat(run(repeating)).isEqualTo(1);
        assertThat(err.toString()).contains("generation_config.json: repetition_penalty");
        out.getBuffer().setLength(0);
        String[] without = Arrays.copyOf(repeating, repeating.length + 2);
        without[repeating.length] = "--repetition-penalty";
        without[repeating.length + 1] = "1";
        assertThat(run(without)).isZero();
        assertThat(out.toString()).isEqualTo(plain);
    }
}
