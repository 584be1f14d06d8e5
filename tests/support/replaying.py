# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Answers of one real host, kept by what it was asked, so that a fleet of any size can give them again.

`recording-ssh` fills a folder with them, the connection plugin `replay` reads it: then it is the controller alone that
is measured, with answers that are never older than the code that asks.
"""

from __future__ import annotations

import ast
import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

# Where Ansible puts the call into the program that it sends: lines of the form `name=value,`, the last ones of it.
CALL = "_ansiballz_main(\n"


class Question(NamedTuple):
    """A module with its arguments, or a bare command."""

    name: str
    arguments: dict[str, Any]

    @property
    def file(self) -> str:
        """The answer's name in the folder."""
        text = json.dumps([self.name, self.arguments], sort_keys=True)
        return f"{self.name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"


def question(command: str, program: bytes | None) -> Question:
    """What a host is asked by a command, and by the program that it gets to read."""
    _, found, call = (program or b"").decode().rpartition(CALL)
    if not found:
        return Question("command", {"command": command})
    given = dict(line.split("=", 1) for line in call.splitlines() if "=" in line)
    name = str(ast.literal_eval(given["module_fqn"].rstrip(","))).rpartition(".")[2]
    told = json.loads(ast.literal_eval(given["params"].rstrip(",")))["ANSIBLE_MODULE_ARGS"]
    # Ansible's own differ from run to run (folders, the verbosity) and change no answer.
    return Question(name, {key: value for key, value in told.items() if not key.startswith("_ansible_")})


def keep(folder: Path, asked: Question, code: int, stdout: str) -> None:
    """Write an answer down, for nobody else to read."""
    file = folder / asked.file
    file.touch(mode=0o600)
    file.write_text(json.dumps({"asked": asked._asdict(), "code": code, "stdout": stdout}), encoding="utf-8")


def answer(folder: Path, asked: Question) -> tuple[int, str]:
    """The exit code and the output that the host gave; LookupError names the arguments that it was never asked with."""
    try:
        kept = json.loads((folder / asked.file).read_text(encoding="utf-8"))
    except FileNotFoundError:
        others = [json.loads(each.read_text(encoding="utf-8"))["asked"] for each in folder.glob(f"{asked.name}-*.json")]
        different = {
            key
            for other in others
            for key in {*asked.arguments, *other["arguments"]}
            if asked.arguments.get(key) != other["arguments"].get(key)
        }
        raise LookupError(
            f"no answer to {asked.name} was recorded in {folder}"
            + (f"; what was asked there differs in {', '.join(sorted(different))}" if different else "")
        ) from None
    return kept["code"], kept["stdout"]
