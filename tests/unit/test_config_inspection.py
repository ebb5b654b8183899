"""A run's config is composed and resolved as upstream does it, without executing anything in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf
from unit_help import OVERRIDES, present, report_on, with_line

from pmlaunch.generations.v2.compose import config_report
from pmlaunch.generations.values import ConfigReport
from standin import TRAINED


def codes(report: ConfigReport) -> list[str]:
    assert all(finding.severity.value == "error" for finding in report.findings)
    return [finding.code for finding in report.findings]


def test_valid_config_has_facts_and_no_findings(config: Path) -> None:
    report = report_on(config)
    assert report == ConfigReport(
        control_hz=30.0,
        motion_file="walk.npy",
        num_envs=1,  # from eval_overrides, not from the training
        agent="protomotions.agents.mimic.agent.Mimic",
        control_type="built_in_pd",
    )


def test_command_line_wins_over_eval_overrides(config: Path) -> None:
    report = report_on(config, "++num_envs=7", "++agent.config.max_eval_steps=99")
    assert (report.num_envs, report.max_eval_steps) == (7, 99)


@pytest.mark.parametrize(("simulator", "rate"), [("isaaclab", 30.0), ("genesis", 30.0)])
def test_control_rate_depends_on_the_simulator(config: Path, simulator: str, rate: float) -> None:
    assert report_on(config, overrides=("+robot=smpl", f"+simulator={simulator}", "++motion_file=x")).control_hz == rate
    more = "++robot.sim.genesis.decimation=4"
    assert report_on(config, more, overrides=("+robot=smpl", "+simulator=genesis", "++motion_file=x")).control_hz == 15


@pytest.mark.parametrize("rate", ["0", "null", "'fast'", "true"])
def test_invalid_control_rate_is_unknown(config: Path, rate: str) -> None:
    assert report_on(config, f"++simulator.config.sim.decimation={rate}").control_hz is None


# open("MARK", "w"), written without quotes so that it fits into quoted YAML
CODE = "open(chr(77)+chr(65)+chr(82)+chr(75),chr(119))"
HIDDEN = {
    "plain": "evil: '${eval:\"CODE\"}'",
    "deep": "a: {b: [{c: {evil: '${eval:\"CODE\"}'}}]}",
    "in a longer text": "evil: 'x ${eval:\"CODE\"} y'",
    "through another value": "text: 'CODE'\nevil: ${eval:${text}}",
    "through another value, quoted": "text: 'CODE'\nevil: '${eval:\"${text}\"}'",
    "inside another resolver": "evil: '${if:true,${eval:\"CODE\"},1}'",
    "inside eval": "evil: '${eval:1+${eval:\"CODE\"}}'",
    "after arithmetic": "evil: '${eval:\"1 + CODE\"}'",
    "by the name of a resolver": "name: eval\nevil: '${${name}:\"CODE\"}'",
    "decoded": "text: '${eval:\"CODE\"}'\nevil: ${oc.decode:${text}}",
    "created": "text: '{x: CODE}'\nevil: '${oc.create:{x:${eval:\"CODE\"}}}'",
    "as a key": "table: {1: 2}\nevil: '${table[${eval:\"CODE\"}]}'",
    "referred to twice": "one: ${two}\ntwo: ${three.x}\nthree: {x: '${eval:\"CODE\"}'}",
    "in a list": "evil: [1, '${eval:\"CODE\"}']",
}


@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN.keys())
def test_code_in_eval_is_refused_and_not_executed(
    config: Path, hidden: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    report = report_on(with_line(config, hidden.replace("CODE", CODE)))
    assert "PML108" in codes(report)
    assert set(codes(report)) <= {"PML108", "PML109"}
    assert "Nothing was executed" in report.findings[0].message
    assert not (tmp_path / "MARK").exists()


def test_import_in_eval_is_refused_and_named(config: Path, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    quoted = f"__import__('os').system('touch {marker}')"
    config.write_text(OmegaConf.to_yaml({"evil": f'${{eval:"{quoted}"}}'}) + TRAINED, encoding="utf-8")
    (finding,) = report_on(config).findings
    assert (finding.code, finding.subject) == ("PML108", "evil")
    assert "__import__" in finding.message
    assert not marker.exists()


def test_code_in_eval_overrides_is_refused(config: Path) -> None:
    text = TRAINED.replace("headless: false,", "headless: false, seed: '${eval:exit}',")
    config.write_text(text, encoding="utf-8")
    report = report_on(config)
    assert codes(report) == ["PML108", "PML108"]  # in eval_overrides, and where it is merged to
    assert {finding.subject for finding in report.findings} == {"eval_overrides.seed", "seed"}


def test_code_in_the_checkouts_config_is_refused(config: Path) -> None:
    path = config.parents[4] / "protomotions/config/terrain/flat.yaml"
    path.write_text("# @package _global_\nterrain: {size: '${eval:exit}'}\n", encoding="utf-8")
    assert codes(report_on(config)) == ["PML108"]


def test_resolvers_are_removed_afterwards(config: Path) -> None:
    report_on(config)
    assert not OmegaConf.has_resolver("eval")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("x: {_target_: os.system, _args_: [id]}", "PML108"),
        ("x: {_target_: builtins.exec}", "PML108"),
        ("x: [{a: {_target_: subprocess.Popen}}]", "PML108"),
        ("x: {_target_: evil.module.Class}", "PML115"),
        ("x: {_target_: torch.load}", "PML115"),
        ("x: {_target_: numpy.load}", "PML115"),
        ("x: {_target_: protomotions_evil.x}", "PML115"),
        ("x: {_target_: protomotions.envs.terrains.Other}", "PML115"),
        ("x: {_target_: protomotions.envs.base_env.env.os.system}", "PML115"),
        ("x: {_target_: protomotions.envs.base_env.env.os}", "PML115"),
        ("x: {_target_: protomotions.nowhere.Class}", "PML115"),
        ("x: {_target_: protomotions.envs.terrains.Terrain.__init__}", "PML115"),
        ("x: {_target_: protomotions...envs.terrains.Terrain}", "PML115"),
        ("x: {_target_: torch.optim.Adam.__class__}", "PML115"),
        ("x: {_target_: lightning.fabric.os.system}", "PML115"),
        ("x: {_config_target_: shutil.rmtree}", "PML108"),
        ("name: evil.module\nx: {_target_: '${name}.Class'}", "PML115"),
    ],
)
def test_foreign_target_is_refused(config: Path, line: str, code: str) -> None:
    (finding,) = report_on(with_line(config, line)).findings
    assert (finding.code, finding.hint) == (code, f"--no-check {code}")
    assert present(finding.subject).endswith("target_")


@pytest.mark.parametrize(
    "target",
    [
        "torch.optim.Adam",
        "lightning.fabric.Fabric",
        "protomotions.agents.mimic.agent_amp.Mimic",  # of 2.3, which the stand-in lacks
        "protomotions.envs.terrains.Terrain",
        "envs.terrains.Terrain",  # a package of 2.3 without the first part of its name
        "???",
    ],
)
def test_own_target_is_accepted(config: Path, target: str) -> None:
    assert set(codes(report_on(with_line(config, f"x: {{_target_: '{target}'}}")))) <= {"PML110"}


def test_pml110_missing_value_has_a_hint(config: Path) -> None:
    (finding,) = report_on(config, overrides=OVERRIDES[:-1]).findings
    assert (finding.code, finding.hint) == ("PML110", "motion_file=VALUE")


def test_pml110_names_a_missing_value_and_all_that_refer_to_it(config: Path) -> None:
    findings = report_on(with_line(config, "x: ${y}\ny: ???\nz: at ${x}")).findings
    assert [(finding.code, finding.subject) for finding in findings] == [("PML110", key) for key in "xyz"]


@pytest.mark.parametrize(
    "line",
    ["x: ${nothing.here}", "x: ${unheard_of:1}", "x: ${eval:1/0}", "x: ${sqrt:minus}", "x: ${x}", "x: ${len:3}"],
)
def test_pml109_unresolvable_value(config: Path, line: str) -> None:
    report = report_on(with_line(config, line))
    assert codes(report) == ["PML109"]
    assert report.findings[0].subject == "x"
    assert "\n" not in report.findings[0].message


def test_at_most_eight_findings_of_a_kind(config: Path) -> None:
    lines = "\n".join(f"x{number}: ${{nothing}}" for number in range(20))
    assert codes(report_on(with_line(config, lines))) == ["PML109"] * 8


def test_findings_about_code_come_first(config: Path) -> None:
    lines = "\n".join(f"x{number}: ${{nothing}}" for number in range(20)) + "\nz: ${eval:exit}"
    assert codes(report_on(with_line(config, lines)))[0] == "PML108"


@pytest.mark.parametrize(
    "content",
    ["a: [1", "a: 1\n\tb: 2", "- a\n- b", "a: 1\na: 2", "!!python/object/apply:os.system [id]", "a: " + "[" * 9999],
    ids=["bracket", "tab", "list", "key twice", "python tag", "deep"],
)
def test_pml107_malformed_config(config: Path, content: str) -> None:
    config.write_text(content, encoding="utf-8")
    (finding,) = report_on(config).findings
    assert (finding.code, finding.subject) == ("PML107", str(config))
    assert str(config) in finding.message


@pytest.mark.parametrize("content", [b"a: \xff\xfe", b"\x00"])
def test_pml107_config_that_is_not_text(config: Path, content: bytes) -> None:
    config.write_bytes(content)
    assert codes(report_on(config)) == ["PML107"]


def test_pml109_malformed_group(config: Path) -> None:
    (finding,) = report_on(config, "+opt=masked_mimic/constraints/pelvis_hands_position").findings
    assert finding.code == "PML109"
    assert finding.message.startswith("Hydra cannot compose the config: ")


def test_pml109_override_that_does_not_merge(config: Path) -> None:
    assert codes(report_on(with_line(config, "eval_overrides: 3"))) == ["PML107"]  # a duplicate key
    config.write_text(TRAINED.replace("eval_overrides: {", "eval_overrides: 3\nother: {"), encoding="utf-8")
    assert codes(report_on(config)) == ["PML109"]


def test_unknown_keys_suggest_the_nearest(config: Path) -> None:
    keys = (
        "num_env",
        "max_eval_steps",
        "agent.config.max_eval_steps",
        "robot.control",
        "xyzzy",
        "hydra.run.dir",
        "seed",
    )
    report = report_on(config, "++num_env=3", "++max_eval_steps=3", keys=keys)
    assert report.unknown_keys == {
        "num_env": "num_envs",
        "max_eval_steps": "agent.config.max_eval_steps",
        "xyzzy": "",
    }


def test_keys_of_lists_and_null_values_are_known(config: Path) -> None:
    assert report_on(config, keys=("robot.body_names", "checkpoint", "robot.body_names[0]")).unknown_keys == {}


def test_groups_are_examined_without_a_training_config(config: Path) -> None:
    report = config_report(config.parents[4] / "protomotions/config", None, OVERRIDES, ())
    assert codes(report) == ["PML109"]  # num_envs is set by the training only
    assert report.findings[0].subject == "simulator.config.num_envs"


def test_merging_in_place_equals_upstreams_merge(upstream: Path) -> None:
    """Upstream copies the whole config at each merge; the report's merge does not, with the same result."""
    from omegaconf import OmegaConf

    from pmlaunch.generations.v2 import compose

    trained = upstream / "data/pretrained_models/masked_mimic/smpl/config.yaml"
    composed = compose._compose(upstream / "protomotions/config", ["+robot=smpl", "+simulator=genesis", "++num_envs=3"])
    theirs = OmegaConf.load(trained)
    theirs = OmegaConf.merge(OmegaConf.merge(theirs, theirs.eval_overrides), composed)
    ours = compose._merge(compose._load(trained), composed)
    assert OmegaConf.to_container(ours, resolve=False) == OmegaConf.to_container(theirs, resolve=False)


@pytest.mark.parametrize(
    ("agent", "expert"), [("masked_mimic.agent.MaskedMimic", "results/expert"), ("mimic.agent.Mimic", None)]
)
def test_expert_counts_for_maskedmimic_only(config: Path, agent: str, expert: str | None) -> None:
    text = config.read_text().replace("mimic.agent.Mimic", agent)
    config.write_text(text.replace("max_eval_steps: null", "expert_model_path: results/expert"))
    assert report_on(config).expert_model == expert
    assert report_on(config, "++agent.config.expert_model_path=null").expert_model is None
