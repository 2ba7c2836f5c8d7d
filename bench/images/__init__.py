"""Images: from what was named to pixels."""
