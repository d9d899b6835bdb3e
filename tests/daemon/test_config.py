"""The config's promises: shipped defaults are the schema's, and a fault is one sentence with its mend."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest
import yaml

from daemon.config import ClipSettings, Config, ConfigError, JobSettings, load

SHIPPED = Path(__file__).parents[2] / "config.yaml"


def refusal(tmp_path: Path, text: str) -> str:
    """The sentence with which the config `text` is refused, without the folder's name."""
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "config.yaml")
    return str(caught.value).replace(f"{tmp_path}/", "")


def test_shipped_config_shows_every_key_with_its_default() -> None:
    assert yaml.safe_load(SHIPPED.read_text()) == Config().model_dump(mode="json", by_alias=True)


def test_shipped_config_loads_as_it_is() -> None:
    config = load(SHIPPED)

    assert config.folders[0].in_ == SHIPPED.resolve().parent / "in"
    assert config.clip == ClipSettings()


def test_every_key_of_the_shipped_config_has_a_comment_on_it_or_above_it() -> None:
    lines = [line for line in SHIPPED.read_text().splitlines() if line.strip()]
    bare = [
        line
        for above, line in itertools.pairwise(lines)
        if not line.endswith(":") and "#" not in line and "#" not in above
    ]

    assert bare == []


def test_empty_config_and_empty_sections_are_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("watch:\njobs: {}\nclip:\n  trimap:\n")

    config = load(tmp_path / "config.yaml")

    assert config.watch == Config().watch
    assert config.clip == ClipSettings()
    assert config.folders[0].in_ == tmp_path / "in"


def test_relative_folders_are_relative_to_the_config_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/config.yaml").write_text("folders: [{in: ../drop, out: /srv/out}]\nweights: nets\n")
    monkeypatch.chdir(tmp_path)

    config = load(Path("etc/config.yaml"))

    assert config.folders[0].in_ == tmp_path / "drop"
    assert config.folders[0].out == Path("/srv/out")
    assert config.state == tmp_path / "etc/state"
    assert config.weights == tmp_path / "etc/nets"


def test_config_cannot_change_under_a_running_job() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Config().jobs.parallel = 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("wach: {}", "config.yaml, line 1: there is no key 'wach'; did you mean 'watch'?"),
        (
            "jobs:\n  parallel: 2\n  atempts: 4\n",
            "config.yaml, line 3: there is no key 'jobs.atempts'; did you mean 'attempts'?",
        ),
        (
            "log:\n  colour: yes",
            "config.yaml, line 2: there is no key 'log.colour'; the keys here are format, level.",
        ),
        (
            "folders:\n  - in: a\n    uot: b\n",
            "config.yaml, line 3: there is no key 'folders[0].uot'; did you mean 'out'?",
        ),
        (
            "clip:\n  outputs:\n    alhpa: {}\n",
            "config.yaml, line 3: there is no key 'clip.outputs.alhpa'; did you mean 'alpha'?",
        ),
        (
            "clip:\n  outputs:\n    alpha:\n      fromat: png\n",
            "config.yaml, line 4: there is no key 'clip.outputs.alpha.fromat'; did you mean 'format'?",
        ),
        ("7: x", "config.yaml, line 1: the key '7' is not text; put it in quotes or correct it."),
        (
            f"log: {{{'k' * 99}: 1}}",
            f"config.yaml, line 1: there is no key 'log.{'k' * 60}...'; the keys here are format, level.",
        ),
    ],
)
def test_unknown_key_is_refused_with_the_one_that_was_meant(tmp_path: Path, text: str, sentence: str) -> None:
    assert refusal(tmp_path, text) == sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("batch: many", "config.yaml, line 1: batch is 'many'; give a whole number."),
        ("batch: 2.5", "config.yaml, line 1: batch is 2.5; give a whole number."),
        ("batch: true", "config.yaml, line 1: batch is true; give a whole number."),
        ("watch: {events: 1}", "config.yaml, line 1: watch.events is 1; give true or false."),
        (
            "watch: {scan_seconds: .inf}",
            "config.yaml, line 1: watch.scan_seconds is inf; give a finite number.",
        ),
        ("watch: 5", "config.yaml, line 1: watch is 5; give keys with values."),
        ("folders: in", "config.yaml, line 1: folders is 'in'; give a list."),
        ("folders: [in]", "config.yaml, line 1: folders[0] is 'in'; give keys with values."),
        ("state: 3", "config.yaml, line 1: state is 3; give a path."),
        ("state:", "config.yaml, line 1: state is empty; give a path."),
        ('state: "a\\0b"', "config.yaml, line 1: state is 'a\\x00b'; give a path."),
        ("metrics: {host: 1}", "config.yaml, line 1: metrics.host is 1; give text."),
        (
            "clip: {outputs: [alpha]}",
            "config.yaml, line 1: clip.outputs is ['alpha']; give keys with values.",
        ),
        ("just text", "config.yaml: holds 'just text'; give keys with values, such as 'key: value'."),
    ],
)
def test_value_of_the_wrong_type_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    assert refusal(tmp_path, text) == sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("jobs:\n\n  parallel: 0", "config.yaml, line 3: jobs.parallel is 0; give 1 or more."),
        ("jobs: {parallel: 65}", "config.yaml, line 1: jobs.parallel is 65; give 64 or less."),
        ("watch: {scan_seconds: 0}", "config.yaml, line 1: watch.scan_seconds is 0; give more than 0."),
        ("metrics: {port: 70000}", "config.yaml, line 1: metrics.port is 70000; give 65535 or less."),
        ("folders: []", "config.yaml, line 1: folders is []; give at least 1."),
        ("clip: {outputs: {}}", "config.yaml, line 1: clip.outputs is {}; give at least 1."),
        ("device: gpu", "config.yaml, line 1: device is 'gpu'; give auto, cpu, cuda or cuda:N."),
        ("runtime: opnvino", "config.yaml, line 1: runtime is 'opnvino'; did you mean 'openvino'?"),
        ("log: {level: 3}", "config.yaml, line 1: log.level is 3; give one of debug, info, warning, error."),
        (
            "clip: {background: green}",
            (
                "config.yaml, line 1: clip.background is 'green'; "
                "give checker or a colour in quotes, such as '#00b140'."
            ),
        ),
    ],
)
def test_value_out_of_range_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    assert refusal(tmp_path, text) == sentence


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("limits: {decode_seconds: 1000}", "decode_seconds is 1000 and jobs: stall_seconds 900"),
        ("jobs: {stall_seconds: 600}", "decode_seconds is 600 and jobs: stall_seconds 600"),
    ],
)
def test_a_file_has_to_be_given_up_before_dimd_is_taken_to_hang(tmp_path: Path, text: str, says: str) -> None:
    assert refusal(tmp_path, text) == (
        f"config.yaml: limits: {says}, which a slow file would take for a hang of dimd; "
        "give decode_seconds less, or stall_seconds more."
    )
    (tmp_path / "config.yaml").write_text("jobs: {stall_seconds: 5}\nlimits: {decode_seconds: null}")
    assert load(tmp_path / "config.yaml").jobs.stall_seconds == 5


@pytest.mark.parametrize("grey", ["#000000", "#808080", "#fff8f8"])
def test_grey_is_no_screen(tmp_path: Path, grey: str) -> None:
    sentence = refusal(tmp_path, f"clip:\n  trimap:\n    screen: '{grey}'\n")
    assert sentence.endswith(
        f"clip.trimap.screen is '{grey}'; give auto or the colour of a screen, such as '#00b140', for grey "
        "is none."
    )


def test_colour_that_yaml_takes_for_a_comment_is_refused_with_the_quotes_as_mend(tmp_path: Path) -> None:
    sentence = refusal(tmp_path, "clip:\n  trimap:\n    screen: #00b140\n")

    assert sentence == (
        "config.yaml, line 3: clip.trimap.screen is empty; "
        "give auto or a colour in quotes, such as '#00b140'."
    )


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("batch: 8\nwatch: [1, 2\njobs: {}\n", "config.yaml, line 3: is not valid YAML: "),
        ("batch: 8\n\tdevice: cpu\n", "config.yaml, line 2: is not valid YAML: "),
        ("batch: 8\nbatch: 4\n", "config.yaml, line 2: is not valid YAML: the key 'batch' is given twice"),
        (
            f"{'k' * 90}: 8\n" * 2,
            f"config.yaml, line 2: is not valid YAML: the key '{'k' * 60}...' is given twice; correct that",
        ),
        ("log: &a {}\nwatch: *a\n", "config.yaml, line 2: is not valid YAML: aliases (*name) are not read"),
        ("state: !!python/name:os.system x\n", "config.yaml, line 1: is not valid YAML: "),
        ("state: 2026-13-45\n", "config.yaml: is not valid YAML: "),
        ("a: " + "[" * 5000, "config.yaml: is nested too deeply"),
        ("a: b\n---\nc: d\n", "config.yaml, line 2: is not valid YAML: "),
        ("x" * 300_000, "config.yaml: is larger than 256 KiB"),
    ],
)
def test_broken_yaml_is_refused_with_its_line(tmp_path: Path, text: str, start: str) -> None:
    sentence = refusal(tmp_path, text)

    assert sentence.startswith(start)
    assert "\n" not in sentence


def test_config_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff")

    with pytest.raises(ConfigError, match=r"config\.yaml: is not valid YAML: .*; correct it\."):
        load(tmp_path / "config.yaml")


def test_missing_config_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: does not exist; check the path\."):
        load(tmp_path / "nowhere.yaml")


def test_folder_instead_of_a_config_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("folders", "sentence"),
    [
        ("[{in: a, out: a}]", "'in' and 'out' are both a; give 'out' a folder of its own."),
        ("[{in: a, out: a/out}]", "'out' a/out lies in 'in' a; move 'out' beside it."),
        ("[{in: out/in, out: out}]", "'in' out/in lies in 'out' out; move 'in' beside it."),
        ("[{in: a, out: x}, {in: b, out: a/x}]", "'out' a/x lies in 'in' a; move 'out' beside it."),
        ("[{in: a, out: x}, {in: ./a, out: y}]", "a is watched twice; keep one of the two."),
        ("[{in: a, out: x}, {in: a/b, out: y}]", "'in' a/b lies in 'in' a; move one of them."),
    ],
)
def test_result_can_never_land_in_a_watched_folder(tmp_path: Path, folders: str, sentence: str) -> None:
    assert refusal(tmp_path, f"folders: {folders}") == f"config.yaml: folders: {sentence}"


@pytest.mark.parametrize(("text", "folder"), [("", "in"), ("folders: [{in: /srv/in, out: out}]\n", "out")])
def test_a_folder_whose_name_is_no_text_is_refused(tmp_path: Path, text: str, folder: str) -> None:
    home = tmp_path / os.fsdecode(b"caf\xe9")
    home.mkdir()
    assert refusal(home, text).endswith(
        f"/caf\\xe9/{folder} is no UTF-8 in all its names; rename it, or name another."
    )


def test_folders_that_are_one_by_a_link_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").symlink_to(tmp_path / "a")

    assert "are both a;" in refusal(tmp_path, "folders: [{in: a, out: b}]")


def test_state_in_a_watched_folder_is_refused(tmp_path: Path) -> None:
    sentence = refusal(tmp_path, "state: in/state")

    assert sentence == "config.yaml: state: in/state lies in the watched folder in; move it out of there."


def test_several_pairs_may_share_an_output_folder(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("folders: [{in: a, out: x}, {in: b, out: x}]")

    assert len(load(tmp_path / "config.yaml").folders) == 2


@pytest.mark.parametrize("port", ["0", "null"])
def test_port_zero_or_null_turns_the_metrics_off(tmp_path: Path, port: str) -> None:
    (tmp_path / "config.yaml").write_text(f"metrics: {{port: {port}}}")

    assert load(tmp_path / "config.yaml").metrics.port is None


def test_retries_back_off_and_end() -> None:
    jobs = JobSettings(attempts=4, retry_seconds=30)

    assert [jobs.retry_delay(attempt) for attempt in (1, 2, 3, 4, 5)] == [30, 60, 120, None, None]


def test_back_off_never_exceeds_an_hour() -> None:
    assert JobSettings(attempts=100).retry_delay(99) == 3600
