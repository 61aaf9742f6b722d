#!/usr/bin/env python3
"""Writes manual pages from what a program says of itself with --experimental-dump-help.

One page a command: mana.1, mana-history.1 and so on, in the macros of man(7). Reads the JSON on standard input.
"""

import argparse
import json
import pathlib
import re
import sys


def escaped(text):
    """A text as roff takes it: no escape, no request and no dash that is a typographer's hyphen."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    text = text.replace("^", "\\(ha").replace("~", "\\(ti")
    return "\\&" + text if text.startswith(".") else text


def option_names(argument):
    """--json, -h: each name with its dashes, the short ones first."""
    names = [
        ("--" if name["kind"] == "long" else "-") + name["name"] for name in argument.get("names", [])
    ]
    return sorted(names, key=len)


def spelled(argument):
    """How an argument stands in the list of options."""
    if argument["kind"] == "positional":
        return "\\fI%s\\fR" % escaped(argument["valueName"])
    names = ", ".join("\\fB%s\\fR" % escaped(name) for name in option_names(argument))
    return names + (" \\fI%s\\fR" % escaped(argument["valueName"]) if argument["kind"] == "option" else "")


def synopsis(path, command):
    line = ["\\fB%s\\fR" % escaped(" ".join(path))]
    shown = arguments(command)
    if any(argument["kind"] != "positional" for argument in shown):
        line.append("[\\fIoptions\\fR]")
    for argument in shown:
        if argument["kind"] == "positional":
            text = "\\fI%s\\fR" % escaped(argument["valueName"]) + ("..." if argument["isRepeating"] else "")
            line.append("[%s]" % text if argument["isOptional"] else text)
    lines = [" ".join(line)]
    if subcommands(command):
        lines.append("\\fB%s\\fR \\fIcommand\\fR ..." % escaped(" ".join(path)))
    return lines


def arguments(command):
    return [argument for argument in command.get("arguments", []) if argument["shouldDisplay"]]


def subcommands(command):
    return [
        sub
        for sub in command.get("subcommands", [])
        if sub.get("shouldDisplay", True) and sub["commandName"] != "help"
    ]


def prose(text):
    """A discussion: paragraphs; lines that are indented as they are; EXIT STATUS and the like as headings."""
    output = []
    is_literal = False
    after_blank = True
    for line in text.split("\n"):
        wants_literal = line.startswith("  ")
        if is_literal and not wants_literal:
            output += [".fi", ".RE"]
            is_literal = False
        if not line.strip():
            after_blank = True
            continue
        if re.fullmatch(r"[A-Z][A-Z ]+|Examples:", line):
            output.append(".SH " + line.rstrip(":").upper())
            after_blank = False
            continue
        if wants_literal and not is_literal:
            output += [".RS 2", ".nf"]
            is_literal = True
        elif after_blank:
            output.append("" if is_literal else ".PP")
        output.append(escaped(line[2:] if wants_literal else line))
        after_blank = False
    if is_literal:
        output += [".fi", ".RE"]
    return output


def options(command):
    """All arguments, in the sections that --help has; what has none comes first."""
    output = []
    section = None
    for argument in sorted(arguments(command), key=lambda one: (one["kind"] != "positional", section_of(one))):
        title = section_of(argument)
        if title != section:
            section = title
            output.append(".SH " + title.upper())
        output += [".TP", spelled(argument)]
        text = [argument[key] for key in ("abstract", "discussion") if argument.get(key)]
        if argument.get("defaultValue") not in (None, "", "false"):
            text.append("(default: %s)" % argument["defaultValue"])
        output.append(escaped(" ".join(" ".join(text).split())) or "\\&")
    return output


def section_of(argument):
    return argument.get("sectionTitle") or ("Arguments" if argument["kind"] == "positional" else "Options")


def page(path, command, section, version, related):
    name = "-".join(path)
    output = [
        '.\\" Made from what %s says with --experimental-dump-help.' % path[0],
        '.TH %s %s "" "mana %s" "Mana ledger"' % (escaped(name.upper()), section, escaped(version)),
        ".nh",
        ".SH NAME",
        "%s \\- %s" % (escaped(name), escaped(command["abstract"].rstrip(".").split("\n")[0])),
        ".SH SYNOPSIS",
    ]
    for index, line in enumerate(synopsis(path, command)):
        output += [".br"] if index else []
        output.append(line)
    discussion = command.get("discussion", "")
    if discussion and not re.match(r"[A-Z][A-Z ]+\n", discussion):
        output.append(".SH DESCRIPTION")
    output += prose(discussion)
    if subcommands(command):
        output.append(".SH COMMANDS")
        for sub in subcommands(command):
            output += [".TP", "\\fB%s\\fR" % escaped(sub["commandName"]), escaped(sub["abstract"])]
    output += options(command)
    if related:
        output.append(".SH SEE ALSO")
        output.append(",\n".join("\\fB%s\\fR(%s)" % (escaped(other), section) for other in related))
    return "\n".join(output) + "\n"


def pages(path, command, section, version):
    """Each command's page by its name, the ones below it included."""
    children = ["-".join(path + [sub["commandName"]]) for sub in subcommands(command)]
    related = (["-".join(path[:-1])] if len(path) > 1 else []) + children
    yield "-".join(path), page(path, command, section, version, related)
    for sub in subcommands(command):
        yield from pages(path + [sub["commandName"]], sub, section, version)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--section", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--target", required=True, type=pathlib.Path)
    given = parser.parse_args()
    command = json.load(sys.stdin)["command"]
    given.target.mkdir(parents=True, exist_ok=True)
    for name, text in pages([command["commandName"]], command, given.section, given.version):
        (given.target / ("%s.%s" % (name, given.section))).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
