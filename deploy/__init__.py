"""How the programs are started: the local stack today, images and manifests beside it."""
