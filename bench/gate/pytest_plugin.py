"""A pytest plugin: the fixture `vgg_gate`, whose assertion fails where a net is worse than its baseline.

Where this package is installed every start of pytest loads this module, so that it imports nothing heavy.
"""

import shlex
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bench.api.entrants import Net
    from bench.api.evaluation_table import Table

UPDATE = "--vgg-gate-update"
BASELINE = "vgg_gate_baseline"  # in the settings file
ASSERTED = pytest.StashKey[list[dict[str, Any]]]()  # of a test: what its report tells the process that shows it


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("vgg_gate", "accuracy of nets against a baseline")
    group.addoption(
        UPDATE, metavar="WHY", help="write what assert_no_worse measures into its baselines, for this reason"
    )
    parser.addini(BASELINE, "baseline of vgg_gate.assert_no_worse where a test names none")


def pytest_configure(config: pytest.Config) -> None:
    why = config.getoption(UPDATE)
    if why is not None and not why.strip():
        raise pytest.UsageError(f"{UPDATE}: a new baseline has a reason, which its history keeps; give one")
    if not hasattr(config, "workerinput"):  # the other processes of pytest-xdist tell this one
        config.pluginmanager.register(_Session(), "vgg_gate_session")


class VggGate:
    """What the fixture `vgg_gate` gives to a test."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._node, self._config, self._folder = request.node, request.config, request.path.parent

    def assert_no_worse(
        self,
        net: "Net | dict[str, Net]",
        images: Any,
        protocol: Any = "dense",
        *,
        baseline: str | Path | None = None,
        tolerance: int = 0,
        alpha: float | None = None,
        **evaluation: Any,
    ) -> "Table":
        """Evaluate a net, and fail the test where a row is worse than the baseline's for the same work.

        The net may be another than the baseline's: it is known by its name. What it is shown, and how, is the same.

        Args:
            net, images, protocol: as `bench.evaluate` takes them, and `evaluation` its other parameters.
            baseline: a results.json; from the test's own folder, or from pytest's root folder where it is there. The
                setting `vgg_gate_baseline` is what it is where nobody says it.
            tolerance: so many more wrong images still pass.
            alpha: in place of a tolerance, more wrong images pass unless McNemar's p is below this, such as 0.01.

        Returns:
            What `bench.evaluate` returns.

        Raises:
            UserError: for what is wrong with the net, the images or the baseline's file, in one line.
        """
        __tracebackhide__ = True
        from bench.api.session import mistakes
        from bench.gate.asserting import asserted
        from results.gate import Rules

        file = self._place(baseline)
        why = self._config.getoption(UPDATE)
        if why is None and not file.exists():
            pytest.fail(f"no baseline '{file}' yet; make it: {self._again('the first')}")
        with mistakes():
            rules = Rules(tolerance or None, alpha)
        found = asserted(net, images, protocol, file, rules if why is None else None, evaluation)
        for line in found.lines:
            self._node.user_properties.append(("vgg_gate", line))
        told = {"lines": found.lines, "baseline": str(file), "folder": found.folder and str(found.folder)}
        self._node.stash.setdefault(ASSERTED, []).append(told)
        if found.failure:
            pytest.fail(f"{found.failure}\n\nif this is as it should be: {self._again('why')}")
        return found.table

    def _again(self, why: str) -> str:
        """What to type for a new baseline, whatever a test's parameters are."""
        return f"pytest {UPDATE} '{why}' {shlex.quote(self._node.nodeid)}"

    def _place(self, baseline: str | Path | None) -> Path:
        said = baseline or self._config.getini(BASELINE)
        if not said:
            pytest.fail(f"no baseline: give baseline='FILE', or {BASELINE} in the settings file")
        beside, below = self._folder / said, self._config.rootpath / said
        return below if below.exists() and not beside.exists() else beside


@pytest.fixture
def vgg_gate(request: pytest.FixtureRequest) -> VggGate:
    """`vgg_gate.assert_no_worse(net, images, protocol, baseline="baseline.json")`."""
    return VggGate(request)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """What a test asserted goes with its report, also to another process."""
    report: Any = yield
    if found := item.stash.get(ASSERTED, None):
        report.vgg_gate = found
        item.stash[ASSERTED] = []
    return report


class _Session:
    """What all tests told, in the one process that shows it and writes baselines."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.folders: dict[str, list[Path]] = defaultdict(list)

    def pytest_runtest_logreport(self, report: Any) -> None:
        for told in getattr(report, "vgg_gate", []):
            self.lines += [f"{report.nodeid}: {line}" for line in told["lines"]]
            if told["folder"]:
                self.folders[told["baseline"]].append(Path(told["folder"]))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """New baselines are written once, when all tests have been run, so that no two processes write one file."""
        if not self.folders:
            return
        from bench.gate.asserting import written

        for baseline, folders in self.folders.items():
            fine, line = written(Path(baseline), folders, session.config.getoption(UPDATE))
            self.lines.append(line)
            if not fine:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: "pytest.TerminalReporter") -> None:
        if self.lines:
            terminalreporter.section("accuracy gate")
            for line in self.lines:
                terminalreporter.write_line(line)
