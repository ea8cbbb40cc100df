package org.sae4j.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/**
 * A command's help in the language of man(7). Picocli's own generator writes AsciiDoc, and what turns that into a page for man weighs more
 * than the rest of the command line.
 */
final class ManPage {
    private final StringBuilder out = new StringBuilder();

    private ManPage() {
    }

    /** {@return the page's name, such as {@code sae-report-features}} */
    static String name(CommandSpec spec) {
        return spec.qualifiedName("-");
    }

    static String of(CommandLine command) {
        ManPage page = new ManPage();
        page.write(command.getCommandSpec(), command.getHelp());
        return page.out.toString();
    }

    private void write(CommandSpec spec, Help help) {
        String[] description = spec.usageMessage().description();
        request(".TH \"" + name(spec).toUpperCase(java.util.Locale.ROOT) + "\" 1 \"\" \"sae4j\"");
        request(".SH NAME");
        text(name(spec) + " - " + (description.length == 0 ? "" : plain(description[0]).replaceFirst("\\.$", "")));
        request(".SH SYNOPSIS");
        request(".nf");
        help.synopsis(0).lines().forEach(this::text);
        request(".fi");
        if (description.length > 0) {
            request(".SH DESCRIPTION");
            for (String paragraph : description) {
                request(".PP");
                text(plain(paragraph));
            }
        }
        Map<String, CommandLine> commands = spec.subcommands();
        if (!commands.isEmpty()) {
            request(".SH COMMANDS");
            commands.forEach((name, command) -> {
                if (!command.getCommandSpec().usageMessage().hidden()) {
                    entry(name, command.getCommandSpec().usageMessage().description());
                }
            });
        }
        List<ArgSpec> arguments = Stream.concat(spec.positionalParameters().stream(), spec.options().stream()
                .sorted(java.util.Comparator.comparing(OptionSpec::longestName))).map(ArgSpec.class::cast).filter(a -> !a.hidden()).toList();
        if (!arguments.isEmpty()) {
            request(".SH OPTIONS");
            arguments.forEach(argument -> entry(label(argument), argument.description(), argument));
        }
        request(".SH \"EXIT STATUS\"");
        text("0 on success, 2 for wrong usage, 1 for any other failure, 130 when interrupted.");
    }

    private static String label(ArgSpec argument) {
        return switch (argument) {
            case OptionSpec option -> Arrays.stream(option.names()).collect(Collectors.joining(", ")) + (option.arity().max() == 0 ? ""
                    : "=" + option.paramLabel());
            case PositionalParamSpec parameter -> parameter.paramLabel();
            default -> argument.paramLabel();
        };
    }

    private void entry(String label, String[] description) {
        request(".TP");
        request(".B " + escape(label));
        text(Arrays.stream(description).map(ManPage::plain).collect(Collectors.joining(" ")));
    }

    private void entry(String label, String[] description, ArgSpec argument) {
        entry(label, Arrays.stream(description).map(line -> line.replace("${DEFAULT-VALUE}", String.valueOf(argument.defaultValue())))
                .toArray(String[]::new));
    }

    /** Without picocli's markup, of which only the doubled percent sign is in use. */
    private static String plain(String text) {
        return text.replace("%%", "%").replace("%n", " ");
    }

    private void request(String line) {
        out.append(line).append('\n');
    }

    private void text(String line) {
        String escaped = escape(line);
        out.append(escaped.startsWith(".") || escaped.startsWith("'") ? "\\&" : "").append(escaped).append('\n');
    }

    private static String escape(String text) {
        return text.replace("\\", "\\e").replace("-", "\\-");
    }
}
