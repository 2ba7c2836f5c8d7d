import torch
from torch import nn

from bench.train.half_precision import halve


def test_tensors_are_rounded_where_no_prediction_changes_and_only_there():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.00001]]))  # rounded, both classes would tie
        net[0].bias.zero_()
        net[1].weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0]]) + 1e-5)
        net[1].bias.copy_(torch.tensor([0.1, 0.1]))
    images = torch.tensor([[1.0, 1.0], [2.0, 1.0], [1.0, 2.0]])
    before = net(images).argmax(1)
    first = net[0].weight.clone()
    rounded = halve(net, lambda: net(images).argmax(1))
    assert torch.equal(net(images).argmax(1), before)
    assert rounded == {"0.bias", "1.weight", "1.bias"}
    assert torch.equal(net[0].weight, first)
    assert torch.equal(net[1].weight, net[1].weight.half().float())
