"""A converted net without its last layer: a map of what that layer sees, whose mean over positions is a descriptor."""

from torch import fx

from bench.nets.conversion.graphs import UnconvertibleError, name_of, of_images, output_of, reached
from bench.nets.conversion.slid_end import as_map
from bench.nets.layers import sharing_copy

FUNCTIONS = ("linear", "conv2d", "addmm", "matmul", "mm")  # layers whose tensors are the graph's own
SIZES = ("size", "sym_size", "getattr", "getitem")  # of tensors: numbers, which show nothing


def before_last_layer(convolutional: fx.GraphModule) -> fx.GraphModule:
    """From a net that gives class score maps (N, K, h, w) to one that gives what its last layer sees, (N, D, h, w).

    For the paper's nets these are the 4096 activations of the last hidden layer, after its rectification (appendix B).
    Parameters are shared. Raises UnconvertibleError.
    """
    graph = sharing_copy(convolutional)
    last = _last_layer(graph)
    images = of_images(graph)
    (seen,) = [each for each in last.all_input_nodes if each in images]
    output = output_of(graph)
    slid = next((node for node in graph.graph.nodes if node.target is as_map), None)
    with graph.graph.inserting_before(output):
        features = seen if slid is None else graph.graph.call_function(as_map, (seen, slid.args[1]))
    output.args = (features,)
    graph.graph.eliminate_dead_code()
    graph.delete_all_unused_submodules()
    graph.recompile()
    return graph


def _last_layer(graph: fx.GraphModule) -> fx.Node:
    """The last node with weights, which all that the scores see of the image goes through."""
    images = of_images(graph)
    for node in reversed(graph.graph.nodes):
        if node in images and _has_weights(graph, node):
            inputs = [each for each in node.all_input_nodes if each in images]
            if len(inputs) != 1 or _passed_by(graph, node):
                break
            return node
    raise UnconvertibleError("no layer of it is the last that sees the image")


def _has_weights(graph: fx.GraphModule, node: fx.Node) -> bool:
    """Of more than one axis: norms have one."""
    if node.op == "call_module":
        return any(each.ndim > 1 for each in graph.get_submodule(str(node.target)).parameters())
    return node.op == "call_function" and name_of(graph, node) in FUNCTIONS


def _passed_by(graph: fx.GraphModule, layer: fx.Node) -> bool:
    """Whether scores see the image past a layer, but for how large its map is."""
    behind = reached([layer], forwards=True)
    beside = {
        each for node in behind - {layer} for each in node.all_input_nodes[: 1 if node.target is as_map else None]
    }
    return any(name_of(graph, node) not in SIZES for node in (beside - behind) & of_images(graph))
