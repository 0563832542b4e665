"""The scenarios: guest scripts whose heads say what the lab must know.

The head is the comment at a script's start. Lines `# KEY: VALUE` with one of
the keys below are settings, all others tell what the scenario proves.

    short     `yes`: part of the short run
    modules   kernel modules that it needs beyond the usual ones
    kernels   the kernels that it can run on; all when absent
    limit     seconds after which it has failed
    hbas      which virtual HBAs there are (harness/hba.py); `usual` when absent
    fabric    `target`: the target's own process serves the HBAs, not qfc_fabric
    also      `qla`: of a script qla2xxx-X there is a second scenario qla-X, at a target whose ports are those of its own driver;
              `qla short`: that one is part of the short run
"""

import dataclasses
import fnmatch
import pathlib
import re

from .places import LAB, LabError

FOLDER = LAB / "scenarios"
SETTING = re.compile(r"# (short|modules|kernels|limit|hbas|fabric|also): (.+)")
LIMIT = 120
WITH_HBAS = ("qla2xxx", "qla", "scsi")


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    script: str
    proves: str
    short: bool
    modules: tuple
    kernels: tuple
    limit: float
    hbas: str
    within: bool
    also: tuple

    @property
    def transport(self) -> str:
        """How the guest reaches the target: the first word of the name."""
        return self.name.partition("-")[0]

    @property
    def from_san(self) -> bool:
        """The guest boots from the target's LUN."""
        return self.transport == "boot"

    @property
    def target_first(self) -> bool:
        """The guest needs the target to boot, and cannot outlive it."""
        return self.within or self.from_san

    @property
    def rig(self) -> tuple:
        """What must be there before the guest: scenarios of one rig may share a guest. The first word is empty where there are no HBAs."""
        return self.hbas if self.transport in WITH_HBAS else "", self.name if self.target_first else "", self.from_san


def load(path: pathlib.Path) -> Scenario:
    """Read a script's head."""
    settings, proves = {}, []
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            break
        found = SETTING.fullmatch(line)
        if found:
            settings[found[1]] = found[2]
        else:
            proves.append(line.lstrip("# "))
    return Scenario(
        path.name, path.name, " ".join(proves), settings.get("short") == "yes", tuple(settings.get("modules", "").split()),
        tuple(settings.get("kernels", "").split()), float(settings.get("limit", LIMIT)),
        settings.get("hbas", "usual"), settings.get("fabric") == "target",
        tuple(settings.get("also", "").split()),
    )  # fmt: skip


def second(scenario: Scenario) -> Scenario:
    """The same script at the target's own driver."""
    name = scenario.name.replace(scenario.transport, scenario.also[0], 1)
    proves = f"The same as {scenario.name} when the target's ports are virtual adapters with its own driver, qla."
    return dataclasses.replace(scenario, name=name, proves=proves, short="short" in scenario.also, also=())


def all_scenarios() -> list:
    scripts = [load(path) for path in FOLDER.iterdir() if path.is_file() and not path.name.startswith(".")]
    seconds = [second(scenario) for scenario in scripts if scenario.also]
    return sorted(scripts + seconds, key=lambda scenario: scenario.name)


def chosen(patterns: str, short: bool) -> list:
    """Scenarios by name or glob (several with commas), or the short set."""
    wanted = [pattern for pattern in patterns.split(",") if pattern]
    found = [
        scenario
        for scenario in all_scenarios()
        if any(fnmatch.fnmatch(scenario.name, pattern) for pattern in wanted) and (scenario.short or not short)
    ]
    if not found:
        raise LabError(f"no scenario is named {patterns}: see `lab list`")
    return found
