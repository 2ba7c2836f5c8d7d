"""A request becomes rows: images go through nets, blocks are kept, workers share."""
