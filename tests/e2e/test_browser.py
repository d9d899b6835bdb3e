"""A browser, which is not ours, plays the WebM that leaves, and shows the page's colour where alpha is 0."""

from __future__ import annotations

import base64
import json
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from daemon import single
from daemon.asked import Asked
from daemon.colour import DISPLAY
from daemon.media import ClipInfo, Frame, VideoTags, find_media, open_sink, open_source
from tests.daemon.cases import GREY, WHITE, FakeMatter, write

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]

HEIGHT, WIDTH, FRAMES = 96, 160, 6
BEHIND = (30, 90, 200)
"""Of the page, sRGB in 8 bits."""
TOLERANCE = 3
"""Codes of 8 bits from what our own reader makes of the same file: measured 1.6 where it is half
transparent and 0.7 where it is opaque, for a browser multiplies by alpha in 8 bits.
"""

# The video is fetched whole, so that the canvas it is drawn on may be read and every frame be sought. A frame
# is drawn once the browser says that it shows it.
PAGE = """<!doctype html><meta charset="utf-8"><script>
const [times, behind] = SETTINGS;
const tell = what => fetch("/told", {method: "POST", body: JSON.stringify(what)});
const after = (target, name) => new Promise((resolve, reject) => {
  target.addEventListener(name, resolve, {once: true});
  target.addEventListener("error", () => reject(target.error || name), {once: true});
});
async function play() {
  const video = document.createElement("video");
  video.muted = true;
  const loaded = after(video, "loadeddata");
  video.src = URL.createObjectURL(await (await fetch("/shot.webm")).blob());
  await loaded;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const context = canvas.getContext("2d", {willReadFrequently: true});
  const frames = [];
  for (const time of times) {
    const sought = after(video, "seeked");
    video.currentTime = time;
    await sought;
    context.fillStyle = `rgb(${behind})`;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(video, 0, 0);
    const {data} = context.getImageData(0, 0, canvas.width, canvas.height);
    let text = "";
    for (const code of data) text += String.fromCharCode(code);
    frames.push(btoa(text));
  }
  const ended = after(video, "ended");
  video.currentTime = 0;
  await video.play();
  await ended;
  return {size: [canvas.width, canvas.height], duration: video.duration, frames};
}
play().then(tell, reason => tell({failed: String(reason && reason.message || reason)}));
</script>"""


def picture(index: int) -> np.ndarray:
    """Green left and the subject right, whose colour each frame has its own; between them, half of both as
    light mixes: float32 [H, W, 3].
    """
    green, subject = np.float32((0.1, 0.55, 0.2)), np.float32((0.85, 0.15 + 0.1 * index, 0.3))
    light = [DISPLAY.to_linear(torch.from_numpy(each).view(3, 1, 1)) for each in (green, subject)]
    half = DISPLAY.from_linear((light[0] + light[1]) / 2).flatten().numpy()
    made = np.empty((HEIGHT, WIDTH, 3), np.float32)
    made[:, : WIDTH * 3 // 8], made[:, WIDTH * 5 // 8 :] = green, subject
    made[:, WIDTH * 3 // 8 : WIDTH * 5 // 8] = half
    return made


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The foreground, straight RGBA, of a small clip, as WebM."""
    folder = tmp_path_factory.mktemp("browser")
    numbers = tuple(range(FRAMES))
    like = ClipInfo(
        "video", WIDTH, HEIGHT, 3, numbers, (), "display", 16, False,
        rate=Fraction(25), time_base=Fraction(1, 25), pts=numbers, tags=VideoTags(1, 1, 1, False),
    )  # fmt: skip
    with open_sink("ffv1", folder, "shot", like, channels=3) as sink:
        for number in numbers:
            sink.write(Frame(number, picture(number), number))
        sink.commit()
        sink.finish()
    between = np.full((HEIGHT, WIDTH), GREY, np.uint8)
    between[:, : WIDTH * 3 // 8 - 4], between[:, WIDTH * 5 // 8 + 4 :] = 0, WHITE
    write(folder / "shot_trimap.png", between)
    (folder / "shot.yaml").write_text("outputs: {foreground: {format: vp9}}\n")
    with pytest.MonkeyPatch.context() as patch:  # what a network makes of a patch is its own affair
        patch.setattr(single.Matter, "open", lambda path, **options: FakeMatter(path.name))
        failed = single.matte_all(Asked([str(folder / "shot.mkv")]), folder / "out", device="cpu")
    assert failed == 0
    return folder / "out/shot/shot_foreground.webm"


@contextmanager
def served(video: Path, page: str) -> Iterator[tuple[str, queue.Queue[dict[str, Any]]]]:
    """The page's address, and what it tells."""
    told: queue.Queue[dict[str, Any]] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = {"/": ("text/html", page.encode()), "/shot.webm": ("video/webm", video.read_bytes())}
            kind, body = found.get(self.path, ("text/plain", b""))
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Nothing: what matters is told."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def browsed(video: Path, times: list[float], folder: Path) -> dict[str, Any]:
    """What the page tells of the video in Chromium."""
    page = PAGE.replace("SETTINGS", json.dumps([times, ",".join(map(str, BEHIND))]))
    assert CHROMIUM is not None
    with served(video, page) as (address, told), (folder / "log").open("w+") as log:
        browser = subprocess.Popen(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
            + ["--no-first-run", f"--user-data-dir={folder / 'profile'}", "--remote-debugging-port=0"]
            + ["--autoplay-policy=no-user-gesture-required", "--force-color-profile=srgb", address],
            stdout=log,
            stderr=log,
        )
        try:
            due = time.monotonic() + 120
            while time.monotonic() < due:
                try:
                    return told.get(timeout=1)
                except queue.Empty:
                    if browser.poll() is not None:
                        break
            log.seek(0)
            raise AssertionError(f"the page told nothing: {log.read()[-2000:]}")
        finally:
            browser.terminate()
            browser.wait(30)


def test_chromium_lays_the_foreground_over_the_page_as_straight_alpha(video: Path, tmp_path: Path) -> None:
    (ref,) = [ref for ref in find_media(video.parent) if ref.path == video]
    with open_source(ref, max_pixels=10**6) as source:
        info = source.info
        ours = [frame.pixels for frame in source.frames()]
    assert info.time_base is not None
    middles = [float((at + Fraction(1, 50) / info.time_base) * info.time_base) for at in info.pts]
    told = browsed(video, middles, tmp_path)
    assert "failed" not in told, told
    assert told["size"] == [WIDTH, HEIGHT]
    assert told["duration"] == pytest.approx(FRAMES / 25, abs=0.002)
    assert len(told["frames"]) == FRAMES == len(ours)
    for number, (text, pixels) in enumerate(zip(told["frames"], ours, strict=True)):
        seen = (
            np.frombuffer(base64.b64decode(text), np.uint8).reshape(HEIGHT, WIDTH, 4)[..., :3].astype(float)
        )
        colour, alpha = 255 * pixels[..., :3].clip(0, 1).astype(float), pixels[..., 3:].astype(float)
        # Away from the patches' edges, where the browser lays chroma between pixels as it likes.
        clear, soft, solid = np.s_[8:-8, 8:48], np.s_[8:-8, 72:88], np.s_[8:-8, 112:-8]
        assert alpha[clear].max() == 0
        assert alpha[solid].min() == 1
        assert 0.3 < alpha[soft].min() <= alpha[soft].max() < 0.7
        np.testing.assert_array_equal(seen[clear], np.broadcast_to(BEHIND, seen[clear].shape))
        for where in (soft, solid):
            expected = alpha[where] * colour[where] + (1 - alpha[where]) * BEHIND
            np.testing.assert_allclose(seen[where], expected, atol=TOLERANCE)
        green = 255 * (0.15 + 0.1 * number)
        assert np.median(seen[solid][..., 1]) == pytest.approx(green, abs=TOLERANCE), "another frame"
