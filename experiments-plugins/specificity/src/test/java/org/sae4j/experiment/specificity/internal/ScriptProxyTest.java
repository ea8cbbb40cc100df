package org.sae4j.experiment.specificity.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.Character.UnicodeScript;
import org.junit.jupiter.api.Test;

class ScriptProxyTest {
    @Test
    void scoresOfArabicAtItsShareInThePaper() {
        assertThat(ScriptProxy.score(true, 0.0013)).isCloseTo(6.6454, within(5e-5));
        assertThat(ScriptProxy.score(false, 0.0013)).isCloseTo(-16.3805, within(5e-5));
    }

    @Test
    void spacesDigitsAndMarksBelongToAnyScript() {
        assertThat(ScriptProxy.script("القط 3!")).isEqualTo(UnicodeScript.ARABIC);
        assertThat(ScriptProxy.script(" 3, ")).isEqualTo(UnicodeScript.COMMON);
        assertThat(ScriptProxy.script("")).isEqualTo(UnicodeScript.COMMON);
        assertThat(ScriptProxy.script("e\u0301")).isEqualTo(UnicodeScript.LATIN);
        assertThat(ScriptProxy.script("猫cat")).isEqualTo(UnicodeScript.UNKNOWN);
    }
}
