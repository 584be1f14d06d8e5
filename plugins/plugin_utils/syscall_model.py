# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The three gates that a system call of a container passes: the runtime's stub, the filter, the kernel."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Collection, Mapping

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import syscall_profile as profiles
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import syscall_tables as tables
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.syscall_profile import Answer, Profile
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion

# What libseccomp's resolver answers for a name it has never heard of.
# What a libseccomp answers for a call that it does not know.
UNKNOWN = -1
_NAMED_ENGINE = re.compile(r"^(?P<name>docker|podman)[\s:]+(?=\S)", re.IGNORECASE)
# Taken where runc's version is not known: the least that comes with an engine, and one before all that matters here.
_RUNC_BUNDLED = EngineVersion.parse("1.0.0-rc93")
_RUNC_OLD = EngineVersion.parse("1.0.0-rc10")
# Taken where the library of a runc without the stub is not known: the table's first, in which most calls are missing.
_LIBSECCOMP_OLD = EngineVersion.parse("2.3.3")
_NO_STUB = "crun puts no ENOSYS stub before the filter"


@dataclasses.dataclass(frozen=True)
class Prediction:
    """One call's answer and the chain of reasons; not `certain` when something was assumed, which the reasons tell."""

    call: str
    answer: Answer
    reasons: tuple[str, ...]
    certain: bool = True

    @property
    def reason(self) -> str:
        """The chain as one sentence."""
        return "; ".join(self.reasons)


@dataclasses.dataclass(frozen=True)
class Engine:
    """Docker or podman, and its release."""

    name: str
    version: EngineVersion

    @classmethod
    def parse(cls, text: str) -> Engine:
        """Read `20.10.24` (Docker), `docker:20.10.24` or `podman 4.3.1`."""
        match = _NAMED_ENGINE.match(text)
        name = match["name"].lower() if match else "docker"
        return cls(name, EngineVersion.parse(text[match.end() :] if match else text))

    def default_profile(self, capabilities: Collection[str] = ()) -> Profile:
        make = profiles.podman_default if self.name == "podman" else profiles.docker_default
        return make(self.version, capabilities)


@dataclasses.dataclass(frozen=True)
class Runtime:
    """What runs the container: whether it has the stub, and which error numbers of a profile it passes on."""

    name: str
    stub: bool
    why: str
    errno: bool = True
    default_errno: bool = True
    recent: bool = True  # at least 1.0.0-rc93, so that its library can be taken for recent too
    note: str | None = None

    @classmethod
    def of(cls, runc: str | None, engine: Engine, arch: str) -> Runtime:
        """From what `runc --version` says, `crun`, or None where it is not known."""
        if runc is not None and runc.lower().startswith("crun"):
            return cls("crun", stub=False, why=_NO_STUB)
        if runc is None and engine.name == "podman":
            return cls("crun", stub=False, why=_NO_STUB, note="podman's runtime is not known; taken as crun")
        note = None
        if runc is not None:
            version = EngineVersion.parse(runc)
        elif engine.version >= tables.BUNDLED_STUB:
            version = _RUNC_BUNDLED
            note = f"runc's version is not known; taken as {version}, the least that Docker {engine.version} came with"
        else:
            version = _RUNC_OLD
            note = "runc's version is not known; taken as one without the ENOSYS stub"
        return cls(
            name=f"runc {version}",
            stub=tables.has_stub(version, arch),
            why=_stub_sentence(version, arch),
            errno=version >= tables.RUNC_ERRNO,
            default_errno=version >= tables.RUNC_DEFAULT_ERRNO,
            recent=version >= _RUNC_BUNDLED,
            note=note,
        )


def _stub_sentence(version: EngineVersion, arch: str) -> str:
    since = tables.stub_since(arch)
    if not since:
        return f"runc's ENOSYS stub has no effect on {arch}: {tables.STUB_TRAPS[arch]}"
    releases = " and ".join(str(release) for release in since)
    if tables.has_stub(version, arch):
        return f"runc {version} has the ENOSYS stub (since {releases})"
    trap = f" on {arch}: {tables.STUB_TRAPS[arch]}" if arch in tables.STUB_TRAPS else ""
    return f"runc {version} has no working ENOSYS stub (since {releases}){trap}"


@dataclasses.dataclass(frozen=True)
class Library:
    """The libseccomp that the runtime uses: its release, and what it answered itself where it was asked."""

    version: EngineVersion | None
    knows: Mapping[str, int] | None = None
    assume: bool = True  # what to take for granted when nothing is known of it
    note: str | None = None

    @classmethod
    def of(cls, libseccomp: str | None, knows: Mapping[str, int] | None, runtime: Runtime) -> Library:
        if libseccomp is not None or knows:
            return cls(EngineVersion.parse(libseccomp) if libseccomp is not None else None, knows or None)
        if runtime.recent:
            return cls(None, note="libseccomp's version is not known; taken to know every call that the profile names")
        return cls(
            None,
            assume=False,
            note=f"libseccomp's version is not known; taken as {_LIBSECCOMP_OLD} with a runc this old",
        )

    @property
    def name(self) -> str:
        return f"libseccomp {self.version}" if self.version else "libseccomp"

    def has(self, call: str) -> bool:
        if self.knows is not None and call in self.knows:
            return self.knows[call] != UNKNOWN
        if self.version is None:
            return self.assume or tables.CALLS[call].libseccomp <= _LIBSECCOMP_OLD
        return self.by_version(call)

    def by_version(self, call: str) -> bool:
        """What upstream's release of that version knows."""
        return self.version is None or self.version >= tables.CALLS[call].libseccomp


@dataclasses.dataclass(frozen=True)
class Kernel:
    """The kernel under the container: its release, and what it answered where it was asked without a container."""

    release: EngineVersion | None
    calls: Mapping[str, str] | None = None

    @classmethod
    def of(cls, release: str | None, calls: Mapping[str, str] | None = None) -> Kernel:
        return cls(EngineVersion.parse(release) if release is not None else None, calls)

    @property
    def name(self) -> str:
        # Without what a distribution appended: 5.10.0-28-amd64 is kernel 5.10.0.
        return f"kernel {self.release.numbers}" if self.release else "the kernel"

    @property
    def note(self) -> str | None:
        return (
            None if self.release or self.calls else "the kernel's release is not known; taken as one that has the call"
        )

    def has(self, call: str) -> bool:
        if self.calls is not None and call in self.calls:
            return self.calls[call] != "ENOSYS"
        return self.by_version(call)

    def by_version(self, call: str) -> bool:
        # A call comes with a release's first candidate, so the stage does not matter.
        return self.release is None or self.release.release >= tables.CALLS[call].kernel.release


@dataclasses.dataclass(frozen=True)
class Model:
    """One way to run a container, complete: ask it for any call."""

    arch: str
    profile: Profile
    runtime: Runtime
    library: Library
    kernel: Kernel
    notes: tuple[str, ...] = ()

    def predict(self, call: str) -> Prediction:
        """The answer that a program in the container gets; ValueError for a call that is not in the table."""
        if call not in tables.CALLS:
            raise ValueError(f"system call {call!r} is not in the table, which begins with those of 2017 (statx)")
        number = self.number(call)
        if number is None:
            return Prediction(
                call, "ENOSYS", (f"{call} is no call of this architecture ({self.arch}), only of 32-bit ones",)
            )
        answer, reasons = self._filtered(call, number)
        if answer == "allowed":
            answer, told = self._kernel(call)
            reasons = (*reasons, told)
        notes = self._assumptions
        return Prediction(call, answer, (*reasons, *notes), certain=not notes)

    def number(self, call: str) -> int | None:
        return tables.numbers(self.arch).get(call)

    @functools.cached_property
    def highest(self) -> tuple[int, str] | None:
        """The highest number that the profile names and libseccomp knows, and its call; the stub's limit."""
        known = (
            (number, call) for call in self.profile.rules if (number := self.number(call)) and self.library.has(call)
        )
        return max(known, default=None)

    @functools.cached_property
    def _assumptions(self) -> tuple[str, ...]:
        confined = (*self.profile.notes, self.runtime.note, self.library.note) if self.profile.confined else ()
        return tuple(note for note in (*self.notes, *confined, self.kernel.note) if note)

    def _filtered(self, call: str, number: int) -> tuple[Answer, tuple[str, ...]]:
        profile = self.profile
        if not profile.confined:
            return "allowed", (f"no filter: {profile.name} has no seccomp profile",)
        action = profile.rules.get(call)
        if action is None:
            capability = profile.missing.get(call)
            why = (
                f"allows {call} ({number}) only with {capability}" if capability else f"does not name {call} ({number})"
            )
            return self._unnamed(number, f"{profile.name} {why}")
        rule = f"{profile.name} {action} {call} ({number})"
        if not self.library.has(call):
            learned = tables.CALLS[call].libseccomp
            return self._unnamed(number, f"{rule}, but {self.library.name} does not know it (since {learned}): no rule")
        answer = action.answer(self.runtime.errno)
        if answer != action.answer(errno_ret=True):
            return answer, (rule, f"{self.runtime.name} makes it EPERM: error numbers are passed on since 1.0.0-rc91")
        return answer, (rule,)

    def _unnamed(self, number: int, why: str) -> tuple[Answer, tuple[str, ...]]:
        """The answer for a call without a rule: the profile's default, with the stub before it."""
        default = self.profile.default
        answer = default.answer(self.runtime.default_errno)
        told = f"the profile {default} what it does not name"
        if default.permissive or answer == "ENOSYS":
            # The runtime leaves the stub out: there is nothing for it to improve.
            return answer, (why, told)
        if not self.runtime.stub:
            return answer, (why, self.runtime.why, f"so what is not allowed gets {answer}")
        if self.highest is None:
            return "ENOSYS", (why, f"the filter has no recent call at all, so {self.runtime.name} answers ENOSYS")
        limit, top = self.highest
        highest = f"{limit} ({top}), the highest number that the profile names and {self.library.name} knows"
        if number > limit:
            return "ENOSYS", (why, f"{number} is above {highest}, so {self.runtime.name} answers ENOSYS")
        return answer, (why, f"{number} is not above {highest}, so the filter answers, with {answer}")

    def _kernel(self, call: str) -> tuple[Answer, str]:
        since = tables.CALLS[call].kernel
        has = self.kernel.has(call)
        if has != self.kernel.by_version(call):
            what = "has it, although upstream's came with" if has else "does not have it, although upstream's came with"
            return "allowed" if has else "ENOSYS", f"{self.kernel.name} {what} {since}"
        return ("allowed", f"{self.kernel.name} has it (since {since})") if has else (
            "ENOSYS",
            f"{self.kernel.name} does not have it (since {since})",
        )  # fmt: skip


def build(
    engine: Engine,
    runc: str | None,
    libseccomp: str | None,
    kernel: Kernel,
    arch: str,
    *,
    knows: Mapping[str, int] | None = None,
    profile: Profile | None = None,
    notes: tuple[str, ...] = (),
) -> Model:
    """A model from versions; PROFILE instead of the engine's default one, KNOWS as the library itself answered."""
    arch = tables.architecture(arch)
    runtime = Runtime.of(runc, engine, arch)
    library = Library.of(libseccomp, knows, runtime)
    return Model(arch, profile or engine.default_profile(), runtime, library, kernel, notes)
