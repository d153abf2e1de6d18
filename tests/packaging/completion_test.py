# SPDX-License-Identifier: Apache-2.0
"""The completions in the shells themselves.

DCF names the program. A shell that is not installed leaves its tests out, by name.
"""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

from terminal import Terminal

DCF = os.environ["DCF"]
# A line is shown word by word by running it with another command in front.
SHOW = "shown() { printf '<%s>' \"$@\"; echo; }"
PROMPT = "[ask]"
START_OF_LINE, KILL_LINE = "\x01", "\x15"


def script(shell):
    return subprocess.run([DCF, "completion", shell], check=True, stdout=subprocess.PIPE, text=True).stdout


def long_options(verb):
    """What --help says, which the completions have to offer."""
    text = subprocess.run([DCF, *verb, "--help"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return set(re.findall(r"^  (?:-\w,)?(--[a-z-]+)", text, re.M))


def verbs():
    text = subprocess.run([DCF, "help"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return re.findall(r"^  ([a-z]+) ", text[text.index("\nVerbs:"):text.index("\nExamples:")], re.M)


class InAShell:
    """What all shells do. `complete(line)` gives the words of the line after the tabulator key."""

    def setUp(self):
        if not shutil.which(self.shell):
            self.skipTest(f"{self.shell} is not installed")
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        for name in ["model.safetensors", "two words.dcf", "recipe.json"]:
            open(os.path.join(self.folder, name), "w").close()
        os.mkdir(os.path.join(self.folder, "mnist"))
        with open(os.path.join(self.folder, ".completion"), "w") as file:
            file.write(script(self.shell))
        self.env = dict(os.environ, HOME=self.folder, TERM="xterm", PATH=os.path.dirname(DCF) + ":" + os.environ["PATH"],
                        LC_ALL="C.UTF-8")
        self.start()

    def start(self):
        raise NotImplementedError

    def test_verbs(self):
        self.assertEqual(self.complete("dcf decom"), ["dcf", "decompress"])
        self.assertLessEqual(set(verbs()), self.candidates("dcf "))

    def test_every_option_of_every_verb(self):
        for verb in verbs():
            if verb == "train":  # another program, which need not be there
                continue
            with self.subTest(verb):
                offered = self.candidates(f"dcf {verb} --")
                self.assertLessEqual(long_options([verb]), offered)
        self.assertEqual(self.complete("dcf compress --max-d"), ["dcf", "compress", "--max-drop"])

    def test_options_say_what_they_do(self):
        shown = self.listing("dcf compress --s")
        self.assertRegex(shown, r"--seed\s.*Of --init forgy")
        self.assertRegex(shown, r"--sparsity\s.*Prune: share of weights")

    def test_choices(self):
        self.assertLessEqual({"linear", "density", "forgy", "optimal"}, self.candidates("dcf compress --init "))
        self.assertEqual(self.complete("dcf compress --init op"), ["dcf", "compress", "--init", "optimal"])
        self.assertEqual(self.complete("dcf compress --zeros=can"), ["dcf", "compress", "--zeros=canonical"])

    def test_file_names(self):
        self.assertEqual(self.complete("dcf compress mod"), ["dcf", "compress", "model.safetensors"])
        self.assertEqual(self.complete("dcf info -v two"), ["dcf", "info", "-v", "two words.dcf"])
        self.assertEqual(self.complete("dcf compress --recipe re"), ["dcf", "compress", "--recipe", "recipe.json"])
        self.assertEqual(self.complete("dcf verify -T 2 mod"), ["dcf", "verify", "-T", "2", "model.safetensors"])

    def test_folders(self):
        # zsh takes the slash away again when the line is run.
        words = self.complete("dcf run x --test m")
        self.assertEqual([word.rstrip("/") for word in words], ["dcf", "run", "x", "--test", "mnist"])

    def test_numbers_are_no_files(self):
        self.assertEqual(self.complete("dcf compress --bits mod"), ["dcf", "compress", "--bits", "mod"])

    def test_topics_of_help(self):
        self.assertEqual(self.complete("dcf help rec"), ["dcf", "help", "recipes"])
        self.assertEqual(self.complete("dcf completion zs"), ["dcf", "completion", "zsh"])


class OnATerminal(InAShell):
    """bash and zsh complete on a terminal only."""

    def complete(self, line):
        self.terminal.type(line + "\t" + START_OF_LINE + "shown \n")
        self.terminal.read_until("<dcf>")
        words = ["dcf"] + re.findall("<([^>]*)>", self.terminal.read_until("\n"))
        self.terminal.read_until(PROMPT)
        return words

    def listing(self, line):
        self.terminal.type(line + "\t\t" + KILL_LINE + "printf '%s\\n' l''isted\n")
        shown = self.terminal.read_until("listed")
        self.terminal.read_until(PROMPT)
        return shown

    def candidates(self, line):
        # A line that describes its candidate has it first.
        shown = re.sub(r"^(\S+) +(?:--|\().*$", r"\1", self.listing(line), flags=re.M)
        return set(re.findall(r"[\w.-]+", shown))


class Bash(OnATerminal, unittest.TestCase):
    shell = "bash"

    def start(self):
        self.terminal = Terminal(["bash", "--norc", "--noprofile", "-i"], self.folder, dict(self.env, INPUTRC="/dev/null"))
        self.addCleanup(self.terminal.close)
        self.terminal.type(
            f"{SHOW}; source .completion; bind 'set page-completions off'; bind 'set bell-style none';"
            "bind 'set enable-bracketed-paste off'; bind 'set completion-query-items 0'; PS1='[as''k]'\n")
        self.terminal.read_until(PROMPT)

    def test_syntax(self):
        subprocess.run(["bash", "-n", os.path.join(self.folder, ".completion")], check=True)


class Zsh(OnATerminal, unittest.TestCase):
    shell = "zsh"

    def start(self):
        self.terminal = Terminal(["zsh", "-f", "-i"], self.folder, self.env)
        self.addCleanup(self.terminal.close)
        self.terminal.type(
            f"{SHOW}; autoload -Uz compinit; compinit -u -D; source .completion; bindkey -e;"
            "unsetopt zle_bracketed_paste auto_menu list_ambiguous prompt_sp; LISTMAX=1000; PS1='[as''k]'\n")
        self.terminal.read_until(PROMPT)


class Fish(InAShell, unittest.TestCase):
    """fish tells what it would offer, without a terminal."""

    shell = "fish"

    def start(self):
        self.env["XDG_CONFIG_HOME"] = self.env["XDG_DATA_HOME"] = self.folder

    def listing(self, line):
        command = f"source .completion; complete -C {repr(line)}"
        return subprocess.run(["fish", "--no-config", "-c", command], cwd=self.folder, env=self.env, check=True,
                              stdout=subprocess.PIPE, text=True).stdout

    def candidates(self, line):
        return {entry.split("\t")[0] for entry in self.listing(line).splitlines()}

    def complete(self, line):
        """The line as the only candidate makes it; as it was where there are none."""
        words = line.split(" ")
        begin = words[-1]
        found = sorted(self.candidates(line))
        if len(found) == 1:
            words[-1] = found[0].replace("\\ ", " ")
        elif found:
            raise AssertionError(f"{begin}: {found}")
        return words


if __name__ == "__main__":
    unittest.main()
