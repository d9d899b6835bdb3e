"""A runtime that is closed lets go of its threads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dim_model import nets, weights

# In processes of their own: a thread that waits for another with the GIL in hand stops all of one, alarms
# too.
OFTEN = """
import sys
from pathlib import Path
import torch
from dim_model import canary
from dim_model.matter import Matter

torch.set_num_threads(1)
picture = [[each] for each in canary.picture()]
for _ in range(60):
    matter = Matter.open(Path(sys.argv[1]), device="cpu", runtime="openvino", precision="float32")
    matter.matte(*picture)
    matter.close()
    del matter
"""

SEVERAL = 4
"""More than this machine may have cores, so that threads are held up in the midst of what they do."""


def test_weights_are_taken_up_and_let_go_again_and_again(tmp_path: Path) -> None:
    card = weights.Card("test-1", "swift", "sampled", "Apache-2.0", [], {})
    folder = weights.publish(tmp_path, card, nets.build("swift").state_dict())
    loops = [subprocess.Popen([sys.executable, "-c", OFTEN, str(folder)]) for _ in range(SEVERAL)]
    try:
        assert [loop.wait(240) for loop in loops] == [0] * SEVERAL
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
