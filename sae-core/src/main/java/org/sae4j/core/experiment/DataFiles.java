package org.sae4j.core.experiment;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.Fact;
import org.sae4j.core.internal.json.JsonException;
import org.sae4j.core.internal.json.JsonNode;
import org.sae4j.core.internal.json.JsonReader;

/** Reads the data of experiments. */
public final class DataFiles {
    private static final List<String> FACT_KEYS = List.of("relation", "prompt", "subject", "answer");

    /** What a text in UTF-8 may begin with to say how it is encoded; no reader takes it for a part of the text. */
    public static final char BYTE_ORDER_MARK = '\uFEFF';

    private DataFiles() {}

    /**
     * Reads labelled texts: one a line, label, tab, text, with {@code \n}, {@code \t} and {@code \\} escaped in the text. A line without a
     * tab
     * is a text without a label; empty lines are skipped.
     *
     * @param file in UTF-8
     * @return the documents, in order
     * @throws Sae4jException if the file cannot be read, or an escape is unknown
     */
    public static List<Document> corpus(Path file) {
        return corpus(text(file), file.toString());
    }

    /**
     * Reads labelled texts, as {@link #corpus(Path)}.
     *
     * @param text the lines
     * @param where the text's origin, for messages
     * @return the documents, in order
     * @throws Sae4jException if an escape is unknown
     */
    public static List<Document> corpus(String text, String where) {
        List<Document> documents = new ArrayList<>();
        int number = 0;
        for (String line : text.split("\r?\n")) {
            number++;
            if (!line.isEmpty()) {
                documents.add(document(line, where, number));
            }
        }
        return documents;
    }

    /**
     * Reads one line of labelled texts, as {@link #corpus(Path)}.
     *
     * @param line the line, without its end
     * @param where the line's origin, for messages
     * @param number of the line, from 1, for messages
     * @return the document
     * @throws Sae4jException if an escape is unknown
     */
    public static Document document(String line, String where, long number) {
        int tab = line.indexOf('\t');
        return new Document(tab < 0 ? "" : line.substring(0, tab), unescape(line.substring(tab + 1), where, number));
    }

    private static String unescape(String text, String where, long line) {
        if (text.indexOf('\\') < 0) {
            return text;
        }
        StringBuilder out = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != '\\') {
                out.append(c);
                continue;
            }
            char next = ++i < text.length() ? text.charAt(i) : ' ';
            out.append(switch (next) {
                case 'n' -> '\n';
                case 't' -> '\t';
                case '\\' -> '\\';
                default -> throw new Sae4jException("unknown escape '\\" + next + "' in a text", where + " line " + line,
                        "write \\n for a line break, \\t for a tab and \\\\ for a backslash");
            });
        }
        return out.toString();
    }

    /**
     * Reads facts: a JSON list of objects with relation, prompt, subject and answer.
     *
     * @param file in UTF-8
     * @return the facts, in order
     * @throws Sae4jException if the file cannot be read or does not fit
     */
    public static List<Fact> facts(Path file) {
        return facts(text(file), file.toString());
    }

    /**
     * Reads facts, as {@link #facts(Path)}.
     *
     * @param json the list
     * @param where the list's origin, for messages
     * @return the facts, in order
     * @throws Sae4jException if the list does not fit
     */
    public static List<Fact> facts(String json, String where) {
        JsonNode list;
        try {
            list = JsonReader.read(json);
        } catch (JsonException e) {
            throw new Sae4jException("the facts are not JSON: " + e.reason(), where, "write a list of objects with "
                    + FACT_KEYS, e);
        }
        if (!list.isArray()) {
            throw new Sae4jException("the facts are not a JSON list", where, "write a list of objects with " + FACT_KEYS);
        }
        List<Fact> facts = new ArrayList<>();
        for (JsonNode node : list) {
            String[] values = new String[FACT_KEYS.size()];
            for (int k = 0; k < values.length; k++) {
                JsonNode value = node.get(FACT_KEYS.get(k));
                if (value == null || !value.isString()) {
                    throw new Sae4jException("fact " + facts.size() + " has no text '" + FACT_KEYS.get(k) + "'", where,
                            "give every fact " + FACT_KEYS);
                }
                values[k] = value.stringValue();
            }
            if (!values[1].contains(values[2])) {
                throw new Sae4jException("the prompt of fact " + facts.size() + " does not contain its subject '" + values[2] + "'", where,
                        "make the subject a part of the prompt");
            }
            facts.add(new Fact(values[0], values[1], values[2], values[3]));
        }
        return facts;
    }

    /**
     * Reads a text.
     *
     * @param file in UTF-8
     * @return all of it, without a byte order mark
     * @throws Sae4jException if the file cannot be read, or is not UTF-8
     */
    public static String text(Path file) {
        try {
            String text = Files.readString(file);
            return !text.isEmpty() && text.charAt(0) == BYTE_ORDER_MARK ? text.substring(1) : text;
        } catch (CharacterCodingException e) {
            throw new Sae4jException("the file is not UTF-8", file.toString(), "save it in UTF-8", e);
        } catch (IOException e) {
            throw new Sae4jException("cannot read the file, " + e.getClass().getSimpleName(), file.toString(), "check the path", e);
        }
    }
}
