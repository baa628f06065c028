"""Reading and writing: images, volumes, masks, alignment files, caches."""
