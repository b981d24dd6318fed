"""What the image is built from beside the programs."""
