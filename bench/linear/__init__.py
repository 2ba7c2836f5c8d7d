"""Linear classifiers of what nets make of images: splits, learning, judging."""
