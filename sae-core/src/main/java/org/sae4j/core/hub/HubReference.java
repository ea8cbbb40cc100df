package org.sae4j.core.hub;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sae4j.api.Sae4jException;

/**
 * A model repository on the hub at a revision.
 *
 * @param owner the user or organisation
 * @param name the repository's name below its owner
 * @param revision a branch, a tag, a ref such as {@code refs/pr/1}, or a commit of 40 hexadecimal digits
 */
public record HubReference(String owner, String name, String revision) {
    /** The branch that is meant when none is named. */
    public static final String DEFAULT_REVISION = "main";

    private static final String SCHEME = "hf:";
    private static final String WORD = "[A-Za-z0-9_][A-Za-z0-9._-]{0,95}";
    private static final Pattern FORM = Pattern.compile("(?:" + SCHEME + ")?([^/@]*)/([^/@]*)(?:@(.*))?", Pattern.DOTALL);
    private static final Pattern REVISION = Pattern.compile("(?:[A-Za-z0-9_][A-Za-z0-9._+-]*)(?:/[A-Za-z0-9_][A-Za-z0-9._+-]*)*");
    private static final int MAX_REVISION = 200;

    /**
     * Checks the parts, which become names of files and parts of addresses.
     *
     * @throws Sae4jException if a part has characters that the hub does not allow
     */
    public HubReference {
        String whole = SCHEME + owner + "/" + name + "@" + revision;
        for (String word : new String[] {owner, name}) {
            if (!word.matches(WORD) || word.contains("..")) {
                throw malformed("'" + word + "' is not a name on the hub", whole);
            }
        }
        if (revision.length() > MAX_REVISION || revision.contains("..") || !REVISION.matcher(revision).matches()) {
            throw malformed("'" + revision + "' is not a revision", whole);
        }
    }

    /**
     * Reads {@code hf:OWNER/NAME[@REVISION]}; the prefix {@code hf:} may be missing.
     *
     * @param text the text
     * @return the reference
     * @throws Sae4jException if the text is not of this form
     */
    public static HubReference parse(String text) {
        Matcher matcher = FORM.matcher(text);
        if (!matcher.matches()) {
            throw malformed("not the name of a repository on the hub", text);
        }
        String revision = matcher.group(3);
        return new HubReference(matcher.group(1), matcher.group(2), revision == null ? DEFAULT_REVISION : revision);
    }

    private static Sae4jException malformed(String what, String where) {
        return new Sae4jException(what, where, "write hf:OWNER/NAME or hf:OWNER/NAME@REVISION, such as hf:openai-community/gpt2@main");
    }

    /** {@return owner and name, {@code OWNER/NAME}} */
    public String repository() {
        return owner + "/" + name;
    }

    /** {@return {@code hf:OWNER/NAME@REVISION}} */
    @Override
    public String toString() {
        return SCHEME + repository() + "@" + revision;
    }
}
