"""What options and requests choose from, by name."""

DTYPES = ("fp32", "tf32", "bf16", "fp16")  # number formats
MAP_RULES = ("scores", "posteriors")  # what is averaged over the positions of a class score map
ENGINES = ("torch", "onnxruntime", "openvino", "tensorrt")  # what computes nets
CLASS_ORDERS = ("text", "number")  # how class names that are numbers are sorted
COMPILING = ("auto", "on", "off")  # whether nets are compiled
OVER = ("mean", "stack", "each")  # what becomes of the descriptors of several Q: one, or each learnt from by itself
REGIONS = ("image", "box", "image+box")  # of a person whose action is known; the last unless said
