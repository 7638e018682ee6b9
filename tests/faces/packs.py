"""Face packs of tiny networks that are made here: what insightface would take for its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT
REACH = 6
"""Half the side of a found box, in cells of 8 px of the detector's view."""
EYES = 2
"""How far the eyes lie from the middle, to both sides and upwards, in cells."""


def write_pack(pack: Path, **files: onnx.ModelProto) -> Path:
    """A folder with these networks, FILE.onnx each."""
    pack.mkdir(parents=True)
    for name, model in files.items():
        onnx.save(model, str(pack / f"{name}.onnx"))
    return pack


def finder(points: bool = True) -> onnx.ModelProto:
    """Like SCRFD: finds white squares of 68 to 88 px of its view, on grey or black."""
    nodes, weights, groups = [], [], {"score": [], "box": [], "points": []}
    weights.append(constant("third", np.full((1, 3, 1, 1), 1 / 3)))
    nodes.append(helper.make_node("Conv", ["picture", "third"], ["grey"], name="grey"))
    weights += [constant("part", 0.3), constant("rest", 0.7)]
    weights += [constant("steep", 1.5), constant("less", 0.35), constant("low", 0.0)]
    weights += [constant("high", 1.0), constant("column", [-1, 1], np.int64)]
    spots = [-EYES, -EYES, EYES, -EYES, 0, 0, -EYES, EYES, EYES, EYES]
    weights += [constant("reach", [[REACH] * 4]), constant("spots", [spots])]
    for stride in (8, 16, 32):
        step = chain(stride)
        nodes += step
        weights.append(constant(f"live{stride}", 1.0 if stride == 8 else 0.0))
        groups["score"].append(f"score{stride}")
        groups["box"].append(f"box{stride}")
        groups["points"].append(f"points{stride}")
    wide = {"score": 1, "box": 4, "points": 10}
    outputs = [
        helper.make_tensor_value_info(name, FLOAT, [f"n{name}", wide[kind]])
        for kind, names in groups.items()
        for name in names
        if points or kind != "points"
    ]
    return model(nodes, ["height", "width"], outputs, weights)


def chain(stride: int) -> list[onnx.NodeProto]:
    """From the grey picture to the three outputs of a stride."""
    s = str(stride)

    def node(kind: str, inputs: list[str], output: str, **how: Any) -> onnx.NodeProto:
        return helper.make_node(kind, inputs, [output], name=output, **how)

    around = {"kernel_shape": [11, 11], "pads": [5, 5, 5, 5], "count_include_pad": 1}
    return [
        node("AveragePool", ["grey"], "c" + s, kernel_shape=[stride] * 2, strides=[stride] * 2),
        node("AveragePool", ["c" + s], "m" + s, **around),
        node("Mul", ["m" + s, "steep"], "t" + s),
        node("Sub", ["t" + s, "less"], "u" + s),
        node("Clip", ["u" + s, "low", "high"], "v" + s),
        node("Mul", ["v" + s, "live" + s], "w" + s),
        node("Reshape", ["w" + s, "column"], "one" + s),
        node("Concat", ["one" + s, "one" + s], "two" + s, axis=1),
        node("Reshape", ["two" + s, "column"], "score" + s),
        # The fuller a square fills the view, the larger it is.
        node("Mul", ["score" + s, "part"], "grown" + s),
        node("Add", ["grown" + s, "rest"], "size" + s),
        node("Mul", ["size" + s, "reach"], "box" + s),
        node("Mul", ["score" + s, "low"], "zero" + s),
        node("Add", ["zero" + s, "spots"], "points" + s),
    ]


def recogniser(side: int = 112) -> onnx.ModelProto:
    """Like ArcFace: the mean of each of 4x4 parts, red first; (n, 48)."""
    part = side // 4
    nodes = [
        helper.make_node(
            "AveragePool", ["picture"], ["parts"], kernel_shape=[part] * 2, strides=[part] * 2
        ),
        helper.make_node("Flatten", ["parts"], ["embedding"]),
    ]
    out = helper.make_tensor_value_info("embedding", FLOAT, ["n", 48])
    return model(nodes, [side, side], [out], [])


def model(
    nodes: list[onnx.NodeProto],
    sides: list[int] | list[str],
    outputs: list[onnx.ValueInfoProto],
    weights: list[onnx.TensorProto],
) -> onnx.ModelProto:
    """A network of one picture, or of any number when its sides are fixed."""
    count = "n" if isinstance(sides[0], int) else 1
    picture = helper.make_tensor_value_info("picture", FLOAT, [count, 3, *sides])
    graph = helper.make_graph(nodes, "net", [picture], outputs, weights)
    # Versions that the oldest packages among those we meet can read.
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)])
    made.ir_version = 7
    return made


def constant(name: str, value: object, dtype: type = np.float32) -> onnx.TensorProto:
    """A weight."""
    return numpy_helper.from_array(np.array(value, dtype), name)
