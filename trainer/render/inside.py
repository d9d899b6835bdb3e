# mypy: ignore-errors
# Runs in Blender's own Python: bpy has no stubs, and Debian's Blender need not have numpy.
"""What Blender runs: reads the path of a scene on each line of stdin, renders it, and answers on stdout.

Everything random was decided outside, by `trainer.render.scene`; here its triangles become bpy's objects. An
answer is one line, `dimd: done SECONDS` or `dimd: failed REASON`; all else on stdout is Blender's chatter.
"""

import array
import json
import math
import sys
import time
from pathlib import Path

import bpy

ANSWER = "dimd:"


class Buffers:
    """The arrays of a scene, read where its JSON says that they lie."""

    def __init__(self, path, table):
        self._path, self._table = path, table

    def __getitem__(self, name):
        offset, count, code = self._table[name]
        out = array.array(code)
        with self._path.open("rb") as file:
            file.seek(offset)
            out.fromfile(file, count)
        return out


def glowing():
    """A material that shows the light of each vertex, which was reckoned outside: a sample costs one ray."""
    made = bpy.data.materials.new("glowing")
    made.use_nodes = True
    tree = made.node_tree
    tree.nodes.clear()
    light, emission, out = (
        tree.nodes.new(f"ShaderNode{name}") for name in ("Attribute", "Emission", "OutputMaterial")
    )
    light.attribute_name = "light"
    tree.links.new(light.outputs["Color"], emission.inputs["Color"])
    tree.links.new(emission.outputs[0], out.inputs["Surface"])
    return made


def add_subject(buffers, blurred):
    points, corners = buffers["points"], buffers["triangles"]
    mesh = bpy.data.meshes.new("subject")
    mesh.vertices.add(len(points) // 3)
    mesh.vertices.foreach_set("co", points)
    mesh.loops.add(len(corners))
    mesh.loops.foreach_set("vertex_index", corners)
    mesh.polygons.add(len(corners) // 3)
    mesh.polygons.foreach_set("loop_start", array.array("i", range(0, len(corners), 3)))
    mesh.polygons.foreach_set("loop_total", array.array("i", [3]) * (len(corners) // 3))
    mesh.update(calc_edges=True)
    mesh.attributes.new("light", "FLOAT_COLOR", "POINT").data.foreach_set("color", buffers["colour"])
    mesh.materials.append(glowing())
    subject = bpy.data.objects.new("subject", mesh)
    bpy.context.scene.collection.objects.link(subject)
    if blurred:
        move(subject, buffers["later"])


def move(subject, points):
    """Let the vertices go to `points` while the shutter is open."""
    subject.shape_key_add(name="open")
    later = subject.shape_key_add(name="later")
    later.data.foreach_set("co", points)
    for frame, value in ((0, 0.0), (1, 1.0)):
        later.value = value
        later.keyframe_insert("value", frame=frame)
    for curve in subject.data.shape_keys.animation_data.action.fcurves:
        for point in curve.keyframe_points:
            point.interpolation = "LINEAR"


def add_camera(camera):
    lens = bpy.data.cameras.new("camera")
    lens.lens, lens.clip_start = camera["lens"], 0.01
    if camera["stop"]:
        lens.dof.use_dof = True
        lens.dof.focus_distance, lens.dof.aperture_fstop = camera["focus"], camera["stop"]
    thing = bpy.data.objects.new("camera", lens)
    thing.location, thing.rotation_euler = (0, -camera["distance"], 0), (math.pi / 2, 0, 0)
    bpy.context.scene.collection.objects.link(thing)
    bpy.context.scene.camera = thing


def render(path):
    scene = json.loads(path.read_text())
    bpy.ops.wm.read_factory_settings(use_empty=True)
    add_subject(Buffers(path.with_name(scene["buffers"]), scene["table"]), scene["blurred"])
    add_camera(scene["camera"])
    stage = bpy.context.scene
    output, cycles = stage.render, stage.cycles
    output.engine = "CYCLES"
    cycles.samples, cycles.seed = scene["samples"], scene["seed"]
    cycles.use_adaptive_sampling = cycles.use_denoising = False
    cycles.max_bounces = 0
    stage.frame_set(0)
    output.use_motion_blur = scene["blurred"]
    cycles.motion_blur_position, output.motion_blur_shutter = "START", 1.0
    output.film_transparent = True
    output.resolution_x = output.resolution_y = scene["size"]
    output.resolution_percentage = 100
    stage.view_settings.view_transform = "Standard"
    settings = output.image_settings
    settings.file_format, settings.color_mode, settings.color_depth = "OPEN_EXR", "RGBA", "16"
    output.filepath, output.use_file_extension = scene["to"], False
    bpy.ops.render.render(write_still=True)


def main():
    print(ANSWER, "ready", bpy.app.version_string, flush=True)
    for line in sys.stdin:
        start = time.monotonic()
        try:
            render(Path(line.rstrip("\n")))
        except Exception as error:  # noqa: BLE001 -- whatever went wrong, the farm wants its reason
            print(ANSWER, "failed", " ".join(str(error).split()), flush=True)
        else:
            print(ANSWER, "done", f"{time.monotonic() - start:.2f}", flush=True)


main()
