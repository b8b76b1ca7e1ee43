"""Images: from the bytes of a file to the pixels that a network takes."""
