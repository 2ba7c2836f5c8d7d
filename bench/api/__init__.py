"""`import bench`: evaluation, prediction and comparison from Python."""
