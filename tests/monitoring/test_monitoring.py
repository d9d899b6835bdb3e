"""Alert rules and dashboard ask for figures that a real daemon gives, under the labels that it gives them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from daemon.config import MetricsSettings
from daemon.engine import Engine
from daemon.job import STATES
from daemon.life import ENDS
from daemon.metrics import HOWS
from daemon.metrics_server import MetricsServer
from tests.daemon.cases import FakeMatter, config, free_port, sequence, wait_for
from tests.daemon.serving import running

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "monitoring"
RULES = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text())

SCRAPED = {"job", "instance"}
"""Labels that Prometheus adds; `up` and its like are its own, too."""

FUTURE = {"reason"}
"""A label that may be there or not, where a query sums over it."""

VALUES = {"state": set(STATES), "how": set(HOWS), "why": set(ENDS)}

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="needs promtool (apt install prometheus)"
)

_LANGUAGE = {
    *("by", "without", "on", "ignoring", "group_left", "group_right", "or", "and", "unless", "time"),
    *("sum", "max", "min", "avg", "count", "rate", "increase", "histogram_quantile", "label_replace"),
}


def promtool(*arguments: str | Path, text: str | None = None) -> str:
    done = subprocess.run(
        ["promtool", *arguments], input=text, capture_output=True, text=True, check=False, timeout=50
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a daemon gives to a scrape after a clip, as text."""
    folder = tmp_path_factory.mktemp("told")
    from dim_model import nets, weights

    root = folder / "weights"
    weights.publish(
        root, weights.Card("v1", "swift", "sampled", "x", [], {}), nets.build("swift").state_dict()
    )
    weights.point(root, "v1")
    with Engine(lambda version: FakeMatter(version.name), root) as engine:
        with running(config(folder), engine) as daemon:
            sequence(folder / "in")
            wait_for(lambda: daemon.told.done)
            with MetricsServer(daemon.service.metrics, MetricsSettings(port=free_port())) as server:
                with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics") as answer:
                    return str(answer.read().decode())


@pytest.fixture(scope="module")
def series(told: str) -> dict[str, dict[str, set[str]]]:
    """Every series' name, with its labels and their values."""
    found: dict[str, dict[str, set[str]]] = {"up": {}}
    for family in text_string_to_metric_families(told):
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    return found


def queries() -> Iterator[tuple[str, str]]:
    """Every query of rules and dashboard, and where it stands."""
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for each in DASHBOARD["annotations"]["list"]:
        yield each["name"], each["expr"]


def plain(query: str) -> str:
    """As Grafana sends it."""
    return query.replace("$__rate_interval", "2m").replace("$instance", ".*")


def selectors(query: str) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Every metric that is asked for, with label, operator and value of what is asked of it."""
    bare = re.sub(r"\[[^\]]*\]", "", re.sub(r"\b(by|without|on|ignoring|group_left)\s*\([^)]*\)", "", query))
    bare = re.sub(r',\s*"[^"]*"', "", bare)  # of label_replace
    for match in re.finditer(r"(?<![\w.])([a-z_]+)(\{[^}]*\})?", bare):
        if match[1] not in _LANGUAGE:
            yield match[1], re.findall(r'(\w+)(=~|!~|!=|=)"([^"]*)"', match[2] or "")


QUERIES = [pytest.param(query, id=f"{name}-{n}") for n, (name, query) in enumerate(queries())]


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_asks_for_what_the_daemon_gives(query: str, series: dict[str, dict[str, set[str]]]) -> None:
    asked = list(selectors(plain(query)))
    assert asked
    for name, wanted in asked:
        assert name in series, f"{name} is no figure of dimd"
        for label, how, value in wanted:
            if label in SCRAPED:
                continue
            assert label in series[name], f"{name} has no label {label}"
            known = VALUES.get(label, series[name][label])
            for each in value.split("|") if "~" in how else [value]:
                assert each in known, f"{label} of {name} is never {each}"
    names = {name for name, _ in asked}
    made = set(re.findall(r'"(\w+)",\s*"\$1"', query))
    for kept in re.findall(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)", query):
        for label in filter(None, re.split(r"[,\s]+", kept)):
            assert label in SCRAPED | FUTURE | made or any(label in series[name] for name in names), label


@pytest.mark.parametrize("panel", DASHBOARD["panels"], ids=lambda panel: panel["title"])
def test_a_legend_names_labels_that_are_there(
    panel: dict[str, Any], series: dict[str, dict[str, set[str]]]
) -> None:
    for target in panel["targets"]:
        names = [name for name, _ in selectors(plain(target["expr"]))]
        for label in re.findall(r"\{\{\s*(\w+)\s*\}\}", target["legendFormat"]):
            assert label in SCRAPED or any(label in series[name] for name in names)


def test_panels_neither_overlap_nor_share_an_id() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 10
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not taken & cells, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_every_alert_is_told_of_in_operations_and_has_a_unit_test() -> None:
    operations = (ROOT / "docs/operations.md").read_text()
    tests = yaml.safe_load((FOLDER / "alerts.test.yaml").read_text())["tests"]
    fired = {
        rule["alertname"] for test in tests for rule in test["alert_rule_test"] if rule.get("exp_alerts")
    }
    quiet = {
        rule["alertname"] for test in tests for rule in test["alert_rule_test"] if not rule.get("exp_alerts")
    }
    for rule in RULES:
        assert f"| `{rule['alert']}` |" in operations
        assert rule["alert"] in fired & quiet
        assert rule["annotations"]["summary"]


def test_every_figure_is_told_of_in_operations(series: dict[str, dict[str, set[str]]]) -> None:
    operations = (ROOT / "docs/operations.md").read_text()
    for name in series:
        if name.startswith("dimd_"):
            family = re.sub("_(bucket|sum|count|created)$", "", name)
            assert family in operations or f"{family}_total" in operations, name


def test_every_way_to_end_is_counted_from_nought(series: dict[str, dict[str, set[str]]]) -> None:
    """`increase` over a counter that appears with its first 1 is 0: the first failure would go unseen."""
    assert series["dimd_jobs_ended_total"]["how"] == set(HOWS)
    assert series["dimd_restarts_total"]["why"] == set(ENDS)


@needs_promtool
def test_promtool_has_nothing_to_say_of_the_daemons_figures(told: str) -> None:
    assert promtool("check", "metrics", text=told).strip() == ""


@needs_promtool
def test_alerts_fire_when_they_should_and_not_before() -> None:
    promtool("check", "rules", FOLDER / "alerts.yaml")
    promtool("test", "rules", FOLDER / "alerts.test.yaml")


@needs_promtool
def test_prometheus_understands_every_query_of_the_dashboard(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{n}", "expr": plain(query)} for n, (_, query) in enumerate(queries())]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))
    promtool("check", "rules", "--lint=none", tmp_path / "rules.yaml")
