package org.sae4j.core.internal.tokenizer.regex;

import java.util.Locale;
import java.util.Map;
import java.util.function.IntPredicate;

/** Code points by property, as Oniguruma names and defines them. Checked against it on every code point. */
final class CodePointProperties {
    static final IntPredicate WHITE_SPACE = c -> c >= 0x09 && c <= 0x0d || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680
            || c >= 0x2000 && c <= 0x200a || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
    static final IntPredicate DIGIT = types(Character.DECIMAL_DIGIT_NUMBER);
    private static final IntPredicate POSIX_WORD = types(Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK,
            Character.ENCLOSING_MARK, Character.DECIMAL_DIGIT_NUMBER, Character.CONNECTOR_PUNCTUATION).or(Character::isAlphabetic);
    /** Oniguruma counts the superscripts and fractions of Latin-1 among the characters of a word. */
    static final IntPredicate WORD = POSIX_WORD.or(c -> c == 0xb2 || c == 0xb3 || c == 0xb9 || c >= 0xbc && c <= 0xbe);
    static final IntPredicate LINE_BREAK = c -> c >= 0x0a && c <= 0x0d || c == 0x85 || c == 0x2028 || c == 0x2029;
    static final IntPredicate HEX_DIGIT = c -> c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F';
    private static final IntPredicate ANY = c -> true;
    private static final IntPredicate PUNCTUATION = types(Character.CONNECTOR_PUNCTUATION, Character.DASH_PUNCTUATION,
            Character.START_PUNCTUATION, Character.END_PUNCTUATION, Character.INITIAL_QUOTE_PUNCTUATION,
            Character.FINAL_QUOTE_PUNCTUATION, Character.OTHER_PUNCTUATION);

    /** Names in lower case without spaces, hyphens and underscores. */
    private static final Map<String, IntPredicate> NAMED = Map.ofEntries(
            Map.entry("l", types(Character.UPPERCASE_LETTER, Character.LOWERCASE_LETTER, Character.TITLECASE_LETTER,
                    Character.MODIFIER_LETTER, Character.OTHER_LETTER)),
            Map.entry("lu", types(Character.UPPERCASE_LETTER)), Map.entry("ll", types(Character.LOWERCASE_LETTER)),
            Map.entry("lt", types(Character.TITLECASE_LETTER)), Map.entry("lm", types(Character.MODIFIER_LETTER)),
            Map.entry("lo", types(Character.OTHER_LETTER)),
            Map.entry("m", types(Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK, Character.ENCLOSING_MARK)),
            Map.entry("mn", types(Character.NON_SPACING_MARK)), Map.entry("mc", types(Character.COMBINING_SPACING_MARK)),
            Map.entry("me", types(Character.ENCLOSING_MARK)),
            Map.entry("n", types(Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER)),
            Map.entry("nd", DIGIT), Map.entry("nl", types(Character.LETTER_NUMBER)), Map.entry("no", types(Character.OTHER_NUMBER)),
            Map.entry("p", PUNCTUATION), Map.entry("punct", PUNCTUATION), Map.entry("pc", types(Character.CONNECTOR_PUNCTUATION)),
            Map.entry("pd", types(Character.DASH_PUNCTUATION)), Map.entry("ps", types(Character.START_PUNCTUATION)),
            Map.entry("pe", types(Character.END_PUNCTUATION)), Map.entry("pi", types(Character.INITIAL_QUOTE_PUNCTUATION)),
            Map.entry("pf", types(Character.FINAL_QUOTE_PUNCTUATION)), Map.entry("po", types(Character.OTHER_PUNCTUATION)),
            Map.entry("s", types(Character.MATH_SYMBOL, Character.CURRENCY_SYMBOL, Character.MODIFIER_SYMBOL, Character.OTHER_SYMBOL)),
            Map.entry("sm", types(Character.MATH_SYMBOL)), Map.entry("sc", types(Character.CURRENCY_SYMBOL)),
            Map.entry("sk", types(Character.MODIFIER_SYMBOL)), Map.entry("so", types(Character.OTHER_SYMBOL)),
            Map.entry("z", types(Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR)),
            Map.entry("zs", types(Character.SPACE_SEPARATOR)), Map.entry("zl", types(Character.LINE_SEPARATOR)),
            Map.entry("zp", types(Character.PARAGRAPH_SEPARATOR)),
            Map.entry("cc", types(Character.CONTROL)), Map.entry("cntrl", types(Character.CONTROL)),
            Map.entry("cf", types(Character.FORMAT)), Map.entry("co", types(Character.PRIVATE_USE)),
            Map.entry("cn", types(Character.UNASSIGNED)),
            Map.entry("c", types(Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE, Character.UNASSIGNED)),
            Map.entry("any", ANY), Map.entry("ascii", c -> c < 0x80), Map.entry("digit", DIGIT), Map.entry("word", WORD),
            Map.entry("alpha", Character::isAlphabetic), Map.entry("alphabetic", Character::isAlphabetic),
            Map.entry("alnum", DIGIT.or(Character::isAlphabetic)), Map.entry("upper", Character::isUpperCase),
            Map.entry("uppercase", Character::isUpperCase), Map.entry("lower", Character::isLowerCase),
            Map.entry("lowercase", Character::isLowerCase), Map.entry("space", WHITE_SPACE), Map.entry("whitespace", WHITE_SPACE),
            Map.entry("blank", types(Character.SPACE_SEPARATOR).or(c -> c == '\t')), Map.entry("xdigit", HEX_DIGIT),
            Map.entry("ideographic", Character::isIdeographic), Map.entry("emoji", Character::isEmoji),
            Map.entry("extendedpictographic", Character::isExtendedPictographic));

    private static final Map<String, String> LONG_NAMES = Map.ofEntries(Map.entry("letter", "l"), Map.entry("uppercaseletter", "lu"),
            Map.entry("lowercaseletter", "ll"), Map.entry("titlecaseletter", "lt"), Map.entry("modifierletter", "lm"),
            Map.entry("otherletter", "lo"), Map.entry("mark", "m"), Map.entry("combiningmark", "m"), Map.entry("nonspacingmark", "mn"),
            Map.entry("spacingmark", "mc"), Map.entry("enclosingmark", "me"), Map.entry("number", "n"), Map.entry("decimalnumber", "nd"),
            Map.entry("letternumber", "nl"), Map.entry("othernumber", "no"), Map.entry("punctuation", "p"),
            Map.entry("connectorpunctuation", "pc"), Map.entry("dashpunctuation", "pd"), Map.entry("openpunctuation", "ps"),
            Map.entry("closepunctuation", "pe"), Map.entry("initialpunctuation", "pi"), Map.entry("finalpunctuation", "pf"),
            Map.entry("otherpunctuation", "po"), Map.entry("symbol", "s"), Map.entry("mathsymbol", "sm"),
            Map.entry("currencysymbol", "sc"), Map.entry("modifiersymbol", "sk"), Map.entry("othersymbol", "so"),
            Map.entry("separator", "z"), Map.entry("spaceseparator", "zs"), Map.entry("lineseparator", "zl"),
            Map.entry("paragraphseparator", "zp"), Map.entry("control", "cc"), Map.entry("format", "cf"), Map.entry("other", "c"),
            Map.entry("privateuse", "co"), Map.entry("unassigned", "cn"));

    private CodePointProperties() {}

    /**
     * Code points with a property.
     *
     * @param name a general category, a script, or another property; case, spaces, hyphens and underscores don't count
     * @throws IllegalArgumentException if the property is not known
     */
    static IntPredicate named(String name) {
        String key = name.toLowerCase(Locale.ROOT).replaceAll("[ _-]", "");
        IntPredicate known = NAMED.get(LONG_NAMES.getOrDefault(key, key));
        if (known != null) {
            return known;
        }
        for (Character.UnicodeScript script : Character.UnicodeScript.values()) {
            if (script.name().toLowerCase(Locale.ROOT).replace("_", "").equals(key)) {
                return c -> Character.UnicodeScript.of(c) == script;
            }
        }
        throw new IllegalArgumentException("the property {" + name + "} is not supported");
    }

    /**
     * A bracket of POSIX, such as {@code [:alpha:]}.
     *
     * @throws IllegalArgumentException if it is not known
     */
    static IntPredicate posix(String name) {
        return switch (name) {
            case "alpha", "alnum", "upper", "lower", "space", "blank", "cntrl", "xdigit", "digit", "ascii" -> named(name);
            case "word" -> POSIX_WORD;
            case "punct" -> PUNCTUATION.or(named("s"));
            default -> throw new IllegalArgumentException("the bracket [:" + name + ":] is not supported");
        };
    }

    private static IntPredicate types(int... types) {
        int mask = 0;
        for (int type : types) {
            mask |= 1 << type;
        }
        int all = mask;
        return c -> (all >>> Character.getType(c) & 1) != 0;
    }
}
