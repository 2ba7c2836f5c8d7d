"""Which class an image is of: names, numbers and files that say it, as indices of the nets' classes."""
