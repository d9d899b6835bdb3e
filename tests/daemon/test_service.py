"""The service in one process: drop a clip, get a matte; what cannot be done is said in one sentence."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import pytest

from daemon.config import Config, ConfigError, MetricsSettings
from daemon.engine import Engine, Lease
from daemon.folders import StartError
from daemon.ledger import Ledger, LedgerError
from daemon.metrics_server import MetricsError, MetricsServer
from dim_model import weights
from tests.daemon.cases import (
    FakeMatter,
    config,
    free_port,
    plate,
    sequence,
    still,
    video,
    wait_for,
    write,
)
from tests.daemon.serving import once, running


def test_a_dropped_clip_leaves_as_a_matte(tmp_path: Path, engine: Engine) -> None:
    settings = config(tmp_path)
    with running(settings, engine) as daemon:
        still(tmp_path / "in")
        wait_for(lambda: daemon.told.done)
        wait_for(lambda: [job.state for job in daemon.jobs()] == ["done"])
    assert (tmp_path / "out/shot/shot_alpha.png").is_file()
    assert daemon.told.done == [tmp_path / "out/shot"]


def test_a_clip_is_done_once_and_again_when_it_changes(tmp_path: Path, engine: Engine) -> None:
    settings = config(tmp_path)
    still(tmp_path / "in")
    once(settings, engine)
    jobs, _ = once(settings, engine)
    assert len(jobs) == 1
    assert not (tmp_path / "out/shot_v2").exists()
    write(tmp_path / "in/shot.png", plate(9))
    once(settings, engine)
    assert (tmp_path / "out/shot_v2/shot_alpha.png").is_file()


def test_everything_that_lies_there_is_done_by_once(tmp_path: Path, engine: Engine) -> None:
    settings = config(tmp_path, jobs={"parallel": 2, "chunk_frames": 3})
    still(tmp_path / "in", "one")
    sequence(tmp_path / "in", "two")
    video(tmp_path / "in", "three")
    jobs, told = once(settings, engine)
    assert {job.name: job.state for job in jobs} == {"one": "done", "two": "done", "three": "done"}
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["one", "three", "two"]
    assert {name for name, _ in told.begun} == {"one", "two", "three"}


def test_a_gap_in_a_sequence_is_told(tmp_path: Path, engine: Engine) -> None:
    sequence(tmp_path / "in", numbers=(1001, 1002, 1004))
    _, told = once(config(tmp_path), engine)
    assert told.warnings == ["shot.####.png: frame 1003 is missing, and will be so in the result."]


def test_a_clips_own_settings_count(tmp_path: Path, engine: Engine) -> None:
    settings = config(tmp_path)
    still(tmp_path / "in")
    (tmp_path / "in/shot.yaml").write_text("outputs: {alpha: {format: exr}}\n")
    once(settings, engine)
    assert sorted(p.name for p in (tmp_path / "out/shot").iterdir()) == ["manifest.json", "shot_alpha.exr"]


def test_a_stopped_clip_goes_on_where_it_was(tmp_path: Path, engine: Engine, matter: FakeMatter) -> None:
    settings = config(tmp_path)
    matter.pace = 0.1
    sequence(tmp_path / "in", numbers=range(1001, 1041))
    with running(settings, engine) as daemon:
        wait_for(lambda: daemon.told.safe)
    (job,) = daemon.jobs()
    assert job.state == "waiting"
    assert 0 < job.frames_done < 40
    ended = daemon.service.metrics.registry.get_sample_value("dimd_jobs_ended_total", {"how": "stopped"})
    assert ended == 1
    _, told = once(settings, engine)
    assert told.begun == [("shot", job.frames_done)]
    assert len(list((tmp_path / "out/shot/alpha").iterdir())) == 40


def test_a_clip_whose_work_is_gone_begins_anew(tmp_path: Path, engine: Engine, matter: FakeMatter) -> None:
    settings = config(tmp_path)
    matter.pace = 0.1
    sequence(tmp_path / "in", numbers=range(1001, 1041))
    with running(settings, engine) as daemon:
        wait_for(lambda: daemon.told.safe)
    (hidden,) = (p for p in (tmp_path / "out").iterdir() if p.name.startswith("."))
    hidden.rename(tmp_path / "elsewhere")
    jobs, told = once(settings, engine)
    assert told.begun == [("shot", 0)]
    assert jobs[0].state == "done"


def test_a_clip_whose_weights_are_gone_begins_anew_with_the_new(
    tmp_path: Path, engine: Engine, matter: FakeMatter, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = config(tmp_path)
    matter.pace = 0.1
    sequence(tmp_path / "in", numbers=range(1001, 1041))
    with running(settings, engine) as daemon:
        wait_for(lambda: daemon.told.safe)
    matter.pace = 0.0
    current = engine.lease

    def lease(version: str | None = None) -> Lease:
        if version:
            raise weights.WeightsError(f"no weights {version!r}")
        return current()

    monkeypatch.setattr(engine, "lease", lease)
    jobs, told = once(settings, engine)
    assert told.begun == [("shot", 0)]
    assert [job.state for job in jobs] == ["done"]
    manifest = json.loads((tmp_path / "out/shot/manifest.json").read_text())
    assert [figure["frame"] for figure in manifest["figures"]] == list(range(1001, 1041))


def test_new_weights_are_taken_up_while_it_runs(tmp_path: Path, engine: Engine, root: Path) -> None:
    with running(config(tmp_path), engine) as daemon:
        weights.point(root, "v2")
        wait_for(lambda: engine.version == "v2")
        still(tmp_path / "in")
        wait_for(lambda: daemon.told.done)
    assert '"version": "v2"' in (tmp_path / "out/shot/manifest.json").read_text()


def test_a_cancelled_job_stops_and_leaves_nothing(tmp_path: Path, engine: Engine, matter: FakeMatter) -> None:
    settings = config(tmp_path, jobs={"lease_seconds": 5.0})
    matter.gate.clear()
    sequence(tmp_path / "in")
    with running(settings, engine) as daemon:
        wait_for(lambda: daemon.told.begun)
        with Ledger(settings.state, create=False) as ledger:
            ledger.cancel(daemon.jobs()[0].id)
        matter.gate.set()
        wait_for(lambda: daemon.told.ends)
    assert daemon.told.ends[0][0] == "superseded"
    assert list((tmp_path / "out").iterdir()) == []


def test_work_that_another_daemon_took_over_is_left_to_it(
    tmp_path: Path, engine: Engine, matter: FakeMatter
) -> None:
    settings = config(tmp_path, jobs={"lease_seconds": 5.0})
    matter.pace = 0.1
    sequence(tmp_path / "in", numbers=range(1001, 1101))
    with running(settings, engine) as daemon:
        wait_for(lambda: daemon.told.safe)
        with Ledger(settings.state, create=False) as other:
            taken = other.claim("another", 60, time.time() + 3600)
            assert taken is not None
            wait_for(lambda: daemon.told.ends)
            assert daemon.told.ends[0][0] == "superseded"
            (left,) = (tmp_path / "out").iterdir()
            assert left.name.startswith(f".shot.dimd-{taken.key[:8]}-")


def test_a_failure_is_tried_again_and_then_given_up(
    tmp_path: Path, engine: Engine, matter: FakeMatter
) -> None:
    matter.error = RuntimeError("the device is confused")
    still(tmp_path / "in")
    with running(config(tmp_path), engine) as daemon:
        wait_for(lambda: [job.state for job in daemon.jobs()] == ["failed"])
    assert [how for how, _ in daemon.told.ends] == ["retry", "failed"]
    assert daemon.jobs()[0].error == "shot: RuntimeError: the device is confused; please report this."


def test_a_bad_config_is_refused_and_the_old_stays(tmp_path: Path, engine: Engine) -> None:
    def broken() -> Config:
        raise ConfigError("config.yaml: devise is no key; did you mean device?")

    with running(config(tmp_path), engine, broken) as daemon:
        daemon.service.reload()
        still(tmp_path / "in")
        wait_for(lambda: daemon.told.done)


def test_a_new_config_reaches_the_next_clip(tmp_path: Path, engine: Engine) -> None:
    settings = config(tmp_path)
    alpha_only = config(tmp_path, clip={"outputs": {"alpha": {"format": "png"}}})
    with running(settings, engine, lambda: alpha_only) as daemon:
        daemon.service.reload()
        wait_for(lambda: daemon.service._config.clip == alpha_only.clip)
        still(tmp_path / "in")
        wait_for(lambda: daemon.told.done)
    assert sorted(p.name for p in (tmp_path / "out/shot").iterdir()) == ["manifest.json", "shot_alpha.png"]


def test_prometheus_is_told(tmp_path: Path, engine: Engine) -> None:
    import urllib.request

    from prometheus_client.parser import text_string_to_metric_families

    with running(config(tmp_path), engine) as daemon:
        sequence(tmp_path / "in")
        wait_for(lambda: [job.state for job in daemon.jobs()] == ["done"])
        with MetricsServer(daemon.service.metrics, MetricsSettings(port=free_port())) as server:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=10) as answer:
                text = answer.read().decode()
    found = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["dimd_jobs", (("state", "done"),)] == 1
    assert found["dimd_frames_total", ()] == 10
    assert found["dimd_unknown_fraction_count", ()] == 10
    assert found["dimd_stage_seconds_count", (("stage", "write"),)] == 10
    assert found["dimd_disk_free_bytes", (("folder", str(tmp_path / "out")),)] > 0
    assert abs(found["dimd_last_success_timestamp_seconds", ()] - time.time()) < 60
    assert any(name == "dimd_weights_info" and ("version", "v1") in labels for name, labels in found)


def test_a_worker_that_cannot_go_on_ends_the_service_with_its_reason(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def claim(*_: object, **__: object) -> None:
        raise LedgerError("ledger.sqlite3: cannot be used as the ledger (disk I/O error); check its disk.")

    monkeypatch.setattr(Ledger, "claim", claim)
    still(tmp_path / "in")
    with running(config(tmp_path), engine) as daemon:
        wait_for(lambda: not daemon.thread.is_alive())
    assert isinstance(daemon.broken, LedgerError)


def test_a_ledger_that_is_deleted_under_a_service_ends_it_and_the_next_rebuilds_it(
    tmp_path: Path, engine: Engine
) -> None:
    still(tmp_path / "in")
    with running(config(tmp_path), engine) as daemon:
        wait_for(lambda: daemon.told.done)
        for file in (tmp_path / "state").glob("ledger.sqlite3*"):
            file.unlink()
        wait_for(lambda: not daemon.thread.is_alive())
    assert isinstance(daemon.broken, LedgerError)
    with running(config(tmp_path), engine) as again:
        wait_for(lambda: again.told.done == daemon.told.done)
        assert [job.state for job in again.jobs()] == ["done"]


def test_what_a_reload_does_not_take_up_is_said(tmp_path: Path, engine: Engine) -> None:
    changed = config(tmp_path, jobs={"parallel": 3}, device="cpu", watch={"events": False})
    with running(config(tmp_path), engine, lambda: changed) as daemon:
        daemon.service.reload()
        wait_for(lambda: daemon.said("config is read again"))
        for key in ("jobs: parallel", "device", "watch: events"):
            assert daemon.said(f"{key}: is changed in the config; it takes effect at the next start.") == 1


def test_what_a_reload_sets_back_is_not_said_to_need_another_start(tmp_path: Path, engine: Engine) -> None:
    settings = [config(tmp_path), config(tmp_path, jobs={"parallel": 3})]
    with running(settings[0], engine, lambda: settings[0]) as daemon:
        for times in (1, 2, 3):
            settings.reverse()
            daemon.service.reload()
            wait_for(lambda times=times: daemon.said("config is read again") == times)
        assert daemon.said("jobs: parallel: is changed in the config") == 2


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path, engine: Engine) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with running(config(tmp_path, metrics={"port": port}), engine) as daemon:
            wait_for(lambda: daemon.broken)
    assert isinstance(daemon.broken, MetricsError)
    assert str(daemon.broken) == (
        f"metrics: 127.0.0.1:{port} cannot be listened on (Address already in use); "
        "give another port, or null for none."
    )


def test_a_share_that_is_not_mounted_at_the_start_holds_up_its_own_clips_alone(
    tmp_path: Path, engine: Engine
) -> None:
    share = tmp_path / "share"
    share.write_text("no folder can be made in it")
    pairs = [{"in": str(home / "in"), "out": str(home / "out")} for home in (tmp_path, share)]
    settings = config(tmp_path, folders=pairs)
    with running(settings, engine) as daemon:
        still(tmp_path / "in")
        wait_for(lambda: daemon.told.done == [tmp_path / "out/shot"])
        assert daemon.said(f"folders: {share / 'in'} cannot be made (") == 1
        share.unlink()
        still(share / "in", "later")
        wait_for(lambda: daemon.told.done == [tmp_path / "out/shot", share / "out/later"])
    with pytest.raises(StartError):
        once(config(tmp_path, folders=[{"in": str(tmp_path / "in/shot.png/in"), "out": "out"}]), engine)


def test_when_a_result_was_last_published_is_known_after_a_restart(tmp_path: Path, engine: Engine) -> None:
    settings = config(tmp_path)
    still(tmp_path / "in")
    (job,), _ = once(settings, engine)
    with running(settings, engine) as daemon:
        found = daemon.service.metrics.registry.get_sample_value
        wait_for(lambda: found("dimd_jobs", {"state": "done"}) == 1)
        wait_for(lambda: found("dimd_last_success_timestamp_seconds") == job.finished)


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path, engine: Engine) -> None:
    settings = config(tmp_path)
    (tmp_path / "out").write_text("a file")
    with running(settings, engine) as daemon:
        wait_for(lambda: daemon.broken)
    assert isinstance(daemon.broken, StartError)
    assert str(daemon.broken).startswith(f"folders: {tmp_path / 'out'} cannot be made (File exists);")
