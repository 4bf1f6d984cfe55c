"""The commands in the documents name what there is: verbs, kinds, files, annotations, targets, flags."""

import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from mailtrap_operator.settings import PreviewSettings, Settings
from tests.documents import DOCUMENTS, ROOT, blocks, commands, heredoc, name_of

PROGRAMS = {"argocd", "curl", "docker", "git", "grep", "helm", "kubectl", "mailtrap-operator", "make", "sed"}
PROGRAMS |= {"base64", "sort", "terraform"}
KUBECTL = {"annotate", "apply", "create", "delete", "describe", "events", "exec", "explain", "get", "label"}
KUBECTL |= {"logs", "patch", "replace", "rollout", "scale", "top", "wait"}
HELM = {"install", "rollback", "template", "test", "uninstall", "upgrade"}
OURS = {"apitoken", "apitokens", "mtat", "mailtrapaccount", "mailtrapaccounts", "mta", "mailtrap"}
OURS |= {"clustermailtrapaccount", "clustermailtrapaccounts", "cmta"}
THEIRS = {"clusterroles", "clusterrolebindings", "configmap", "crd", "crds", "customresourcedefinitions"}
THEIRS |= {
    "deployment",
    "deployments",
    "events",
    "lease",
    "namespace",
    "networkpolicies",
    "pods",
    "rolebindings",
}
THEIRS |= {"roles", "secret", "secrets", "serviceaccounts", "services", "validatingadmissionpolicies"}
THEIRS |= {"validatingadmissionpolicybinding", "validatingadmissionpolicybindings", "deploy", "generic"}
TAKE_KINDS = {"annotate", "delete", "describe", "get", "label", "patch", "scale", "wait", "create", "explain"}

MADE_BY_THE_READER = {"-", "/dev/stdin", "values.yaml", "tokens.yaml", "billing.yaml"}

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)


def typed(document: Path) -> list[str]:
    """Return each command, also those within a sentence, without here-documents."""
    shown = [each.text.splitlines()[0] if heredoc(each.text) else each.text for each in commands(document)]
    prose = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    return [*shown, *re.findall(r"`((?:kubectl|helm|make|mailtrap-operator) [^`]+)`", prose)]


def words_of(document: Path) -> Iterator[list[str]]:
    """Yield the words of each program that is started; variables, substitutions and redirections are not looked at."""
    for command in typed(document):
        text = re.sub(r"^\w+=\$\(|\)$", "", command.replace("\\\n", " "))
        lexer = shlex.shlex(text, posix=True, punctuation_chars="|&;<")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in lexer:
            if word in {"|", "&&", ";"}:
                yield words
                words = []
            else:
                words.append(word)
        yield words


def started(document: Path, program: str) -> list[list[str]]:
    """Return the words that follow a program, each time it is started."""
    return [words[1:] for words in words_of(document) if words and words[0] == program]


def without_flags(words: list[str]) -> list[str]:
    """Return the words that are neither a flag nor the value of a short one."""
    kept, is_value = [], False
    for word in words:
        if not is_value and not word.startswith("-"):
            kept.append(word)
        is_value = word in {"-n", "-f", "-k", "-o", "-p", "-l", "-c", "--namespace", "--selector"}
    return kept


@each_document
def test_every_program_is_one_that_the_reader_has(document: Path) -> None:
    names = {words[0].rpartition("/")[2] for words in words_of(document) if words}

    assert set() == names - PROGRAMS


@each_document
def test_kubectl_is_given_a_verb_and_kinds_that_exist(document: Path) -> None:
    for words in started(document, "kubectl"):
        verb, *rest = without_flags(words)
        assert verb in KUBECTL, words
        if verb in TAKE_KINDS and rest:
            kinds = {each.partition("/")[0].partition(".")[0] for each in rest[0].split(",")}
            assert set() == kinds - OURS - THEIRS, words


@each_document
def test_helm_and_make_are_given_what_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    for words in started(document, "helm"):
        assert words[0] in HELM, words
        assert all((ROOT / word).is_dir() for word in words if word.startswith("charts/")), words
    assert set() == {words[0].partition("=")[0] for words in started(document, "make")} - targets


@each_document
def test_the_operators_command_is_given_commands_and_flags_that_it_has(document: Path) -> None:
    fields = {**Settings.model_fields, **PreviewSettings.model_fields}
    flags = {f"--{name.replace('_', '-')}" for name in fields} | {"--help", "--version", "-n", "-o", "-h"}

    for words in started(document, "mailtrap-operator"):
        assert words[0] in {"run", "plan", "crds", "--version"}, words
        assert set() == {word.partition("=")[0] for word in words if word.startswith("-")} - flags, words


@each_document
def test_every_file_exists_or_is_shown_before(document: Path) -> None:
    shown = {found[1] for text in blocks(document, "yaml") if (found := re.match(r"# (\S+\.yaml)\n", text))}
    shown |= MADE_BY_THE_READER

    for words in [each for program in ("kubectl", "helm", "sed") for each in started(document, program)]:
        given = [after for flag, after in pairwise(words) if flag in {"-f", "-k", "--values"}]
        given += re.findall(r"--(?:patch-file|filename)[= ](\S+)", " ".join(words))
        assert [] == [path for path in given if path not in shown and not (ROOT / path).exists()], words


@each_document
def test_every_annotation_and_finalizer_is_one_of_the_reference(document: Path) -> None:
    known = set(re.findall(r"`mailtrap-operator\.io/([a-z-]+)", (ROOT / "docs" / "reference.md").read_text()))
    named = set(re.findall(r"(?<!\.)mailtrap-operator\.io/(token-of-|[a-z-]+[a-z])", document.read_text()))

    assert set() == named - known
