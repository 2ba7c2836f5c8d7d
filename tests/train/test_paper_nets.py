from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.errors import UserError
from bench.train import paper_nets
from bench.train import processes as trainings
from bench.train.__main__ import main, parser, requested
from bench.train.paper_nets import NETS, own_request, train_all
from protocols.scales import parse_S
from results.paper import paper_rows

REQUEST = requested(parser().parse_args(["--paper", "--epochs", "3,1", "--seed", "7"]))


def started_from(net) -> list[str]:
    return [net.start] if net.start else []


def test_they_are_the_twelve_of_table_3_in_an_order_in_which_each_finds_its_start():
    table = {row.nets[0].split()[0] for row in paper_rows() if row.table == 3}
    assert {f"{net.configuration}/{parse_S(net.S)}" for net in NETS} == table
    assert len(NETS) == 12
    for place, net in enumerate(NETS):
        assert set(started_from(net)) <= {each.name for each in NETS[:place]}


def test_they_start_from_one_another_as_section_3_1_says():
    for net in NETS:
        jittered, shallow = net.S == "256-512", net.configuration in ("A", "A-LRN")
        expected = {"256": None if shallow else "A-256", "384": f"{net.configuration}-256"}
        assert net.start == (f"{net.configuration}-384" if jittered else expected[net.S])
        assert net.share == (0.1 if net.S == "384" else 1)


def test_all_are_trained_alike_but_for_start_scale_and_rate():
    alike = set()
    for net in NETS:
        told = vars(own_request(net, REQUEST, Path("runs")))
        assert (told["model"], told["S"], told["rate"]) == (net.configuration, net.S, pytest.approx(0.04 * net.share))
        alike.add(str({name: told[name] for name in told if name not in ("model", "S", "rate", "init", "out")}))
    assert len(alike) == 1


@pytest.mark.parametrize(
    "more",
    [
        *("--optimiser adam", "--init builtin:A-256", "--S 384", "--limit 9", "--augment none"),
        *("--freeze", "--cache-features", "--weights-key ema"),
    ],
)
def test_what_the_papers_recipe_says_itself_is_refused(more, capsys):
    assert main(["--paper", *more.split()]) == 2
    assert f"the paper's own {more.split()[0]}; leave it out" in capsys.readouterr().err


def test_what_does_not_start_from_a_failed_net_is_trained_all_the_same(tmp_path, monkeypatch, capsys):
    trained = []

    def start(command, stdout, **_):
        name = Path(command[command.index("--out") + 1]).name
        if name == "D-384":
            stdout.write("bench.train: error: no room\n")
            return SimpleNamespace(wait=lambda: 2)
        trained.append(name)
        return SimpleNamespace(wait=lambda: 0)

    monkeypatch.setattr(trainings.subprocess, "Popen", start)
    monkeypatch.setattr(paper_nets, "open_data", lambda *_: None)  # nothing is rendered for nets that are not trained
    with pytest.raises(UserError, match="D-384 failed"):
        train_all(replace(REQUEST, out=tmp_path), 2)
    assert set(trained) == {net.name for net in NETS} - {"D-384", "D-256-512"}
    for net in NETS:
        if net.name in trained and net.start:
            assert trained.index(net.start) < trained.index(net.name)
    assert "D-384: bench.train: error: no room" in capsys.readouterr().err
