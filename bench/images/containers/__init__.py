"""What holds images, folders, tars and tables: which files are of a set, and how each is reached."""
