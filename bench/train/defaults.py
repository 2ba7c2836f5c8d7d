"""The recipe's numbers (section 3.1, in small); plain, so that the command line has them without torch."""

WIDTH = 1 / 16  # of the paper's nets
RATE = {"sgd": 0.04, "adam": 0.001}
WEIGHT_DECAY = {"sgd": 5e-4, "adam": 0.0}
MOMENTUM = 0.9
WARM_UP = 200  # iterations over which the rate rises to its value when training begins
WARM_SHARE = 0.2  # of all iterations, where that is less
VALIDATED = 500  # validation images, evenly spread, whose error is logged and steers the schedule
CLIP = 1.0  # the largest norm of the gradient over all parameters
