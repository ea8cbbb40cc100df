package org.sae4j.core.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.Sae4jException;

/** What users write: names of repositories, variables of the environment. */
class HubSettingsTest {
    @TempDir
    private Path home;

    @Test
    void theCacheIsWhereTheEnvironmentSays() {
        assertThat(HubSettings.from(Map.of(), home).cache()).isEqualTo(home.resolve(".cache/sae4j"));
        assertThat(HubSettings.from(Map.of("XDG_CACHE_HOME", "/x", "SAE4J_CACHE", " "), home).cache()).isEqualTo(Path.of("/x/sae4j"));
        assertThat(HubSettings.from(Map.of("XDG_CACHE_HOME", "/x", "SAE4J_CACHE", "/y"), home).cache()).isEqualTo(Path.of("/y"));
    }

    @Test
    void theTokenComesFromTheEnvironmentOrTheUsualFile() throws IOException {
        assertThat(HubSettings.from(Map.of(), home).token()).isEmpty();
        Path file = home.resolve(".cache/huggingface/token");
        Files.createDirectories(file.getParent());
        Files.writeString(file, "hf_stored\n");
        assertThat(HubSettings.from(Map.of(), home).token()).hasValue("hf_stored");
        HubSettings settings = HubSettings.from(Map.of("HF_TOKEN", "hf_given"), home);
        assertThat(settings.token()).hasValue("hf_given");
        assertThat(settings.toString()).doesNotContain("hf_given").contains("token=given");
    }

    @Test
    void theEndpointIsTheHubOrAMirror() {
        assertThat(HubSettings.from(Map.of(), home).endpoint()).isEqualTo(URI.create("https://huggingface.co"));
        assertThat(HubSettings.from(Map.of("HF_ENDPOINT", "https://mirror.example/hub/"), home).endpoint())
                .isEqualTo(URI.create("https://mirror.example/hub"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"mirror.example", "ftp://mirror.example", "https://", "https://a b", "https://user:word@mirror.example",
        "https://mirror.example?x=1"})
    void otherEndpointsAreRefused(String endpoint) {
        assertThatThrownBy(() -> HubSettings.from(Map.of("HF_ENDPOINT", endpoint), home)).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("--endpoint, HF_ENDPOINT");
    }

    @Test
    void aTokenIsNotSentInTheClear() {
        HubSettings open = new HubSettings(URI.create("http://mirror.example"), home, Optional.empty(), false);
        assertThat(open.endpoint()).hasHost("mirror.example");
        assertThatThrownBy(() -> new HubSettings(open.endpoint(), home, Optional.of("hf_x"), false)).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("a token would travel unencrypted").hasMessageNotContaining("hf_x");
        assertThatThrownBy(() -> new HubSettings(open.endpoint(), home, Optional.of("a\r\nX: y"), false)).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("the token has a blank");
    }

    @Test
    void namesOfRepositoriesAreRead() {
        assertThat(HubReference.parse("hf:google/gemma-scope-2b-pt")).isEqualTo(new HubReference("google", "gemma-scope-2b-pt", "main"));
        assertThat(HubReference.parse("someone/a.b_c@refs/pr/1")).isEqualTo(new HubReference("someone", "a.b_c", "refs/pr/1"));
        assertThat(HubReference.parse("hf:a/b@v1.0")).hasToString("hf:a/b@v1.0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "hf:", "gpt2", "hf:gpt2", "hf:a/b/c", "hf:../b", "hf:a/..", "hf:a/b@", "hf:a/b@../../x", "hf:a/b@a//b",
        "hf:a /b", "hf:a/b@x\n", "hf:-a/b", "https://huggingface.co/a/b"})
    void otherNamesAreRefused(String text) {
        assertThatThrownBy(() -> HubReference.parse(text)).isInstanceOf(Sae4jException.class).hasMessageContaining("hf:OWNER/NAME");
    }

    /** Reference values: {@code git hash-object} and {@code sha256sum} of "hello" and a line feed. */
    @ParameterizedTest
    @CsvSource({"GIT_BLOB, ce013625030ba8dba906f756967f9e9ca394464a",
        "SHA256, 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"})
    void checksumsAreThoseOfGit(Checksum.Kind kind, String expected) {
        byte[] content = "hello\n".getBytes(StandardCharsets.UTF_8);
        Checksum checksum = Checksum.ofTag("W/\"" + expected + "\"").orElseThrow();
        assertThat(checksum.kind()).isEqualTo(kind);
        MessageDigest digest = checksum.start(content.length);
        digest.update(content);
        assertThat(Checksum.hex(digest)).isEqualTo(expected);
    }
}
