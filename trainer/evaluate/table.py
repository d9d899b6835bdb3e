"""Figures as tables for a terminal: pictures, clips, peers; means last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich import box
from rich.table import Table

from trainer.evaluate.judge import Figures

_HEADS = {
    "sad": "SAD",
    "mse": "MSE",
    "grad": "Grad",
    "conn": "Conn",
    "mad": "MAD",
    "guided_mse": "guided",
    "dtssd": "dtSSD",
    "frames": "frames",
}
_PEERS = {"closed_form": "closed-form", "knn": "KNN"}


def _figure(row: Mapping[str, float], name: str) -> str:
    if name not in row:
        return "–"
    places = 0 if name == "frames" else 5 if "mse" in name else 4 if name == "mad" else 3
    return f"{row[name]:.{places}f}"


def _table(title: str, first: str, heads: list[str]) -> Table:
    table = Table(title=title, title_justify="left", caption_justify="left", box=box.SIMPLE_HEAD)
    table.add_column(first, overflow="fold")
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    return table


def tables(figures: Figures) -> Iterator[Table]:
    """A table of pictures; one of clips and one of peers where there are any."""
    yield _pictures(figures)
    if "clips" in figures:
        yield _clips(figures)
    if "peers" in figures:
        yield _peers(figures)


def _pictures(figures: Figures) -> Table:
    names = ["sad", "mse", "grad", "conn", "mad", "guided_mse"]
    table = _table(f"{figures['weights']}, over the unknown region", "picture", [_HEADS[n] for n in names])
    worse = set(figures["worse_than_guided"])
    for name, row in figures["pictures"].items():
        cells = [_figure(row, n) for n in names]
        table.add_row(name, *cells, style="red" if name in worse else None)
    table.add_section()
    table.add_row("mean", *[_figure(figures["mean"], n) for n in names], style="bold")
    table.caption = f"guided: MSE of the network's own input; the network is worse on {len(worse)} of "
    table.caption += f"{len(figures['pictures'])}."
    return table


def _clips(figures: Figures) -> Table:
    names = ["frames", "sad", "mse", "grad", "conn", "mad", "dtssd"]
    others = figures.get("peers", {}).get("clips", {})
    heads = [_HEADS[n] for n in names] + [f"dtSSD\n{who}" for who in _PEERS.values() if others]
    table = _table("clips", "clip", heads)
    for name, row in figures["clips"].items():
        theirs = [_figure(others[name][peer], "dtssd") for peer in _PEERS if others]
        table.add_row(name, *[_figure(row, n) for n in names], *theirs)
    return table


def _peers(figures: Figures) -> Table:
    peers = figures["peers"]
    heads = [f"{measure} {who}" for measure in ("SAD", "MSE") for who in ("ours", *_PEERS.values(), "ratio")]
    table = _table("against pymatting", "picture", [h.replace(" ", "\n") for h in heads])

    def add(name: str, ours: Mapping[str, float], row: Mapping[str, Mapping[str, float]], style: str) -> None:
        cells = []
        for m in ("sad", "mse"):
            ratio = f"{row['ratio'][m]:.3f}" if m in row["ratio"] else "–"
            cells += [_figure(ours, m), *[_figure(row[p], m) for p in _PEERS], ratio]
        table.add_row(name, *cells, style=style)

    for name, row in peers["pictures"].items():
        add(name, figures["pictures"][name], row, "")
    table.add_section()
    add("mean", figures["mean"], {**peers["mean"], "ratio": peers["ratio_of_means"]}, "bold")
    blank = ["", "", ""]
    geometric = [f"{peers['mean_ratio'][m]:.3f}" if m in peers["mean_ratio"] else "–" for m in ("sad", "mse")]
    table.add_row("geometric mean", *blank, geometric[0], *blank, geometric[1], style="bold")
    table.caption = "ratio: ours over the better of both; below 1, ours is nearer to the truth."
    return table
